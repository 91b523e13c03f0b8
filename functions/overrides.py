"""HTTP: a person's command."""

import azure.functions as func

from functions.answers import Reply, for_operators, named_application, new_id
from shared.bootstrap import app
from shared.wire.identities import requested_identity

blueprint = func.Blueprint()


@blueprint.route(
    route="api/applications/{application}/overrides", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS
)
def accept_override(req: func.HttpRequest) -> func.HttpResponse:
    """Pause, resume, promote, skip, abort, rollback, approve, reject, retry, freeze or unfreeze."""
    return for_operators(req, _accept_override)


def _accept_override(req: func.HttpRequest, caller: str) -> Reply:
    from shared.wire.overrides import parse_override

    application = named_application(req)
    request = parse_override(req.get_body())
    rollout = app().intake.accept_override(
        application,
        request.action,
        reason=request.reason,
        by=caller,
        command_id=requested_identity(f"override {request.action}", application, req.headers, new_id),
        step=request.step,
    )
    location = f"/api/rollouts/{rollout}" if rollout else f"/api/applications/{application}"
    body = {"application": application, "action": request.action, "rollout": rollout, "location": location}
    return Reply(202, body, location)
