"""HTTP: reading applications, rollouts and their history."""

import azure.functions as func

from functions.answers import Reply, after_in, encode, for_operators, missing, named_application
from shared.bootstrap import app
from shared.wire.addresses import rollout_in
from shared.wire.api_document import api_document
from shared.wire.findings import shown
from shared.wire.spec_schema import release_spec_schema

blueprint = func.Blueprint()


@blueprint.route(route="api/health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the host passes it
    """Whether this app answers. Needs no key, touches nothing, and minds no parameter: probes add some of their own."""
    return encode(Reply(200, {"status": "ok"}))


@blueprint.route(route="api/openapi.json", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def get_openapi(req: func.HttpRequest) -> func.HttpResponse:
    """Return this API as an OpenAPI document."""
    return for_operators(req, lambda _req, _caller: Reply(200, api_document()))


@blueprint.route(route="api/schemas/release-spec.json", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def get_release_spec_schema(req: func.HttpRequest) -> func.HttpResponse:
    """Return the JSON Schema of release specs, for editors."""
    return for_operators(req, lambda _req, _caller: Reply(200, release_spec_schema()))


@blueprint.route(route="api/applications", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def list_applications(req: func.HttpRequest) -> func.HttpResponse:
    """Return a page of the list of applications."""
    return for_operators(
        req, lambda r, _caller: Reply(200, app().views.applications(r.params.get("after"))), takes=("after",)
    )


@blueprint.route(route="api/applications/{application}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def get_application(req: func.HttpRequest) -> func.HttpResponse:
    """Return an application with its spec and its live rollout."""
    return for_operators(req, _get_application)


@blueprint.route(route="api/rollouts/{id}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def get_rollout(req: func.HttpRequest) -> func.HttpResponse:
    """Return a rollout."""
    return for_operators(req, _get_rollout)


@blueprint.route(route="api/rollouts/{id}/history", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def get_history(req: func.HttpRequest) -> func.HttpResponse:
    """Return a page of a rollout's history."""
    return for_operators(req, _get_history, takes=("after",))


def _get_application(req: func.HttpRequest, _caller: str) -> Reply:
    name = named_application(req)
    view = app().views.application(name)
    return Reply(200, view) if view else missing(f"there is no application {name}: PUT its release spec first")


def _get_rollout(req: func.HttpRequest, _caller: str) -> Reply:
    rollout = rollout_in(req.route_params["id"])
    view = app().views.rollout(rollout) if rollout else None
    return Reply(200, view) if view else _no_rollout(req)


def _get_history(req: func.HttpRequest, _caller: str) -> Reply:
    after = after_in(req)
    rollout = rollout_in(req.route_params["id"])
    view = app().views.history(rollout, after) if rollout else None
    return Reply(200, view) if view else _no_rollout(req)


def _no_rollout(req: func.HttpRequest) -> Reply:
    return missing(f"there is no rollout {shown(req.route_params['id'])}")
