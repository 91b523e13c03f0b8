"""HTTP: CI says what it deployed, and asks whether it may."""

import azure.functions as func

from functions.answers import Reply, for_operators, named_application, new_id
from shared.bootstrap import app
from shared.domain.errors import InvalidError, Problem
from shared.wire.deployments import parse_deployment

blueprint = func.Blueprint()


@blueprint.route(route="api/deployments", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
def accept_deployment(req: func.HttpRequest) -> func.HttpResponse:
    """A version was deployed: release it."""
    return for_operators(req, _accept_deployment)


@blueprint.route(
    route="api/applications/{application}/admission", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS
)
def ask_admission(req: func.HttpRequest) -> func.HttpResponse:
    """May the candidate's place be overwritten now?"""
    return for_operators(req, _ask_admission)


@blueprint.route(route="api/applications/{application}", methods=["PUT"], auth_level=func.AuthLevel.ANONYMOUS)
def put_application(req: func.HttpRequest) -> func.HttpResponse:
    """Register an application, or change its release spec."""
    return for_operators(req, _put_application)


def _accept_deployment(req: func.HttpRequest, _caller: str) -> Reply:
    request = parse_deployment(req.headers, req.get_body(), new_id=new_id)
    accepted = app().intake.accept_deployment(request.application, request.version, request.command_id, request.source)
    location = f"/api/rollouts/{accepted.rollout}"
    body = {"rollout": accepted.rollout, "application": request.application, "version": request.version}
    return Reply(202 if accepted.is_new else 200, {**body, "location": location}, location)


def _ask_admission(req: func.HttpRequest, _caller: str) -> Reply:
    from shared.wire.overrides import parse_admission

    asked, name = parse_admission(req.get_body()), named_application(req)
    why_wait = app().intake.admission(name, asked.version) or app().plans.missing_flags(name, asked.version)
    return Reply(200, {"admitted": why_wait is None, "reason": why_wait})


def _put_application(req: func.HttpRequest, caller: str) -> Reply:
    from shared.wire.spec import parse_spec

    spec = parse_spec(req.get_body(), req.headers.get("content-type"))
    named = req.route_params["application"]
    if spec.application != named:
        raise InvalidError(
            Problem("application", f"the spec is for {spec.application}, the address says {named}: they must agree")
        )
    created = app().intake.accept_spec(spec, caller)
    location = f"/api/applications/{named}"
    shown = app().views.application(spec.application) or {}
    body = {**shown, "warnings": app().plans.warnings(spec)}
    return Reply(201 if created else 200, body, location)
