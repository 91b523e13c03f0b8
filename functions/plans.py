"""HTTP: what a release would come to, before anything runs."""

import azure.functions as func

from functions.answers import Reply, for_operators, missing, named_application
from shared.bootstrap import app
from shared.wire.plan_questions import planned_time_in, version_in

blueprint = func.Blueprint()


@blueprint.route(route="api/applications/{application}/plan", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def get_plan(req: func.HttpRequest) -> func.HttpResponse:
    """Return the plan of an application's spec, with its times."""
    return for_operators(req, _get_plan, takes=("version", "at"))


@blueprint.route(route="api/plan", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
def plan_spec(req: func.HttpRequest) -> func.HttpResponse:
    """Return the plan of the spec in the body. Nothing is stored."""
    return for_operators(req, _plan_spec, takes=("at",))


def _get_plan(req: func.HttpRequest, _caller: str) -> Reply:
    name = named_application(req)
    view = app().plans.registered(name, version_in(req.params), planned_time_in(req.params))
    return Reply(200, view) if view else missing(f"there is no application {name}: PUT its release spec first")


def _plan_spec(req: func.HttpRequest, _caller: str) -> Reply:
    from shared.wire.spec import parse_spec

    at = planned_time_in(req.params)
    return Reply(200, app().plans.of_spec(parse_spec(req.get_body(), req.headers.get("content-type")), at))
