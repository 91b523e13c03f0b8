"""HTTP: what hooks came to, and Flagger's webhooks.

Flagger takes any status up to 202 as yes, and `rollback` is among its questions: so yes is 200 and nothing else is
below 400, whatever goes wrong.
"""

from typing import TYPE_CHECKING, Final, assert_never

import azure.functions as func

from functions.answers import IN_HEADERS, Door, Reply, answer, missing, named_application, new_id
from shared.bootstrap import app
from shared.wire.addresses import application_in
from shared.wire.findings import shown
from shared.wire.hook_answers import call_in, parse_hook_answer
from shared.wire.hook_signature import SIGNATURE, TIMESTAMP
from shared.wire.identities import has_key, requested_identity
from shared.wire.problems import ANSWERED_NO, TRY_LATER, problem

if TYPE_CHECKING:
    from shared.domain.rollout.flagger import Answer

FLAGGER: Final = "flagger"
"""Whose key is good for this, beside an operator's."""
SECONDS_UNTIL_KNOWN: Final = 5
_EXPECTED_OF_FLAGGER: Final = (
    "give the webhook the key of the source flagger as token in its metadata, "
    f"or send that or an operator's key {IN_HEADERS}"
)
_EXPECTED_OF_HOOKS: Final = (
    f"where the hook's calls are signed, sign this one too, as {SIGNATURE} and {TIMESTAMP}; else send the key of the "
    f"source hooks/{{application}} or hooks {IN_HEADERS}; an operator's key is always good"
)

blueprint = func.Blueprint()


@blueprint.route(route="api/flagger/{application}/{question}", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
def answer_flagger(req: func.HttpRequest) -> func.HttpResponse:
    """A webhook of a Canary asks whether its cluster may go on, or must go back."""
    return answer(req, _answer_flagger, Door(lambda: _which_cluster(req), _EXPECTED_OF_FLAGGER))


@blueprint.route(
    route="api/callbacks/hooks/{application}/{call_id}", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS
)
def take_hook_report(req: func.HttpRequest) -> func.HttpResponse:
    """The other side of a hook says what its call came to, or how far it is."""
    return answer(req, _take_hook_report, Door(lambda: _who_calls_back(req), _EXPECTED_OF_HOOKS))


def reply_to(said: "Answer") -> Reply:
    """Return the answer as Flagger understands it: 200 is yes, anything else is none."""
    from shared.domain.rollout.flagger import Say

    match said.say:
        case Say.YES:
            return Reply(200, {"answer": said.say, "reason": said.why})
        case Say.NO:
            return Reply(*problem(ANSWERED_NO, said.why))
        case Say.UNKNOWN:
            return Reply(*problem(TRY_LATER, said.why, retryAfter=SECONDS_UNTIL_KNOWN))
        case _:
            assert_never(said.say)


def _answer_flagger(req: func.HttpRequest, _caller: str) -> Reply:
    from shared.domain.rollout.flagger import Kind
    from shared.wire.flagger_questions import kind_in, parse_question

    kind = kind_in(req.route_params["question"])
    if kind is None:
        return missing(f"{shown(req.route_params['question'])} is no webhook of Flagger's; known: {', '.join(Kind)}")
    return reply_to(app().flagger.answer(named_application(req), parse_question(kind, req.get_body())))


def _which_cluster(req: func.HttpRequest) -> str | None:
    """Return who asks. Flagger can send no header: its key stands in the body."""
    from shared.wire.flagger_questions import token_in

    return app().access.source(FLAGGER, req.headers, token_in(req.get_body()))


def _who_calls_back(req: func.HttpRequest) -> str | None:
    application, call_id = application_in(req.route_params["application"]), call_in(req.route_params["call_id"])
    return app().hook_reports.caller(application, call_id, req.headers, req.get_body())


def _take_hook_report(req: func.HttpRequest, _caller: str) -> Reply:
    body = req.get_body()
    status = parse_hook_answer(body)
    application, call_id = named_application(req), call_in(req.route_params["call_id"])
    if call_id is None:
        return missing(f"{shown(req.route_params['call_id'])} is no call of a hook")
    what = f"hook report {call_id}"
    named = requested_identity(what, application, req.headers, new_id) if has_key(req.headers) else None
    app().hook_reports.take(application, call_id, status, body, named)
    return Reply(202, {"application": application, "call": call_id, "status": status.state})
