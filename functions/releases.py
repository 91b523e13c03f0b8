"""HTTP: several applications as one release."""

import azure.functions as func

from functions.answers import Reply, after_in, for_operators, new_id
from shared.bootstrap import app
from shared.domain.errors import UnknownError
from shared.domain.names import ApplicationName, ReleaseId
from shared.wire.addresses import release_in
from shared.wire.findings import shown
from shared.wire.identities import requested_identity

blueprint = func.Blueprint()


@blueprint.route(route="api/releases", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
def accept_release(req: func.HttpRequest) -> func.HttpResponse:
    """Versions were deployed that belong together: release them as one."""
    return for_operators(req, _accept_release)


@blueprint.route(route="api/releases", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def list_releases(req: func.HttpRequest) -> func.HttpResponse:
    """Return a page of the list of releases, the newest first."""
    return for_operators(
        req, lambda r, _caller: Reply(200, app().releases.listing.page(r.params.get("after"))), takes=("after",)
    )


@blueprint.route(route="api/releases/{id}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def get_release(req: func.HttpRequest) -> func.HttpResponse:
    """Return a release with its members."""
    return for_operators(req, lambda r, _caller: Reply(200, app().releases.view(_named_release(r))))


@blueprint.route(route="api/releases/{id}/history", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def get_release_history(req: func.HttpRequest) -> func.HttpResponse:
    """Return a page of a release's history."""
    return for_operators(
        req, lambda r, _caller: Reply(200, app().releases.history(_named_release(r), after_in(r))), takes=("after",)
    )


@blueprint.route(route="api/releases/{id}/{action}", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
def steer_release(req: func.HttpRequest) -> func.HttpResponse:
    """Pause, resume, abort or rollback."""
    return for_operators(req, _steer_release)


def _accept_release(req: func.HttpRequest, caller: str) -> Reply:
    from shared.wire.release_requests import parse_release

    request = parse_release(req.headers, req.get_body(), new_id=new_id)
    is_new = app().releases.accept(request, caller)
    location = f"/api/releases/{request.id}"
    return Reply(202 if is_new else 200, {"release": request.id, "location": location}, location)


def _steer_release(req: func.HttpRequest, caller: str) -> Reply:
    from shared.wire.release_requests import parse_release_override

    release = _named_release(req)
    request = parse_release_override(req.route_params["action"], req.get_body())
    command_id = requested_identity(f"release {request.action}", ApplicationName(release), req.headers, new_id)
    app().releases.accept_override(release, request, by=caller, command_id=command_id)
    location = f"/api/releases/{release}"
    return Reply(202, {"release": release, "action": request.action, "location": location}, location)


def _named_release(req: func.HttpRequest) -> ReleaseId:
    text = req.route_params["id"]
    release = release_in(text)
    if release is None:
        raise UnknownError(f"there is no release {shown(text)}")
    return release
