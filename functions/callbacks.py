"""HTTP: what hooks came to, and Flagger's webhooks.

Flagger takes any status up to 202 as yes, and `rollback` is among its questions: so yes is 200 and nothing else is
below 400, whatever goes wrong.
"""

from typing import Final, assert_never

import azure.functions as func

from functions.answers import Reply, for_caller, for_token, missing, named_application, new_id
from shared.application.hook_reports import UnknownCallError
from shared.bootstrap import app
from shared.domain.rollout.flagger import Answer, Kind, Say
from shared.wire.addresses import application_in
from shared.wire.findings import shown
from shared.wire.flagger_questions import kind_in, parse_question, token_in
from shared.wire.hook_answers import call_in, parse_hook_answer
from shared.wire.identities import has_key, requested_identity
from shared.wire.problems import ANSWERED_NO, TRY_LATER, problem

FLAGGER: Final = "flagger"
"""Whose key is good for this, beside an operator's."""
SECONDS_UNTIL_KNOWN: Final = 5

blueprint = func.Blueprint()


@blueprint.route(route="api/flagger/{application}/{question}", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
def answer_flagger(req: func.HttpRequest) -> func.HttpResponse:
    """A webhook of a Canary asks whether its cluster may go on, or must go back."""
    return for_token(req, FLAGGER, token_in(req.get_body()), _answer_flagger)


@blueprint.route(
    route="api/callbacks/hooks/{application}/{call_id}", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS
)
def take_hook_report(req: func.HttpRequest) -> func.HttpResponse:
    """The other side of a hook says what its call came to, or how far it is."""
    return for_caller(req, lambda: _who_calls_back(req), _take_hook_report)


def reply_to(answer: Answer) -> Reply:
    """Return the answer as Flagger understands it: 200 is yes, anything else is none."""
    match answer.say:
        case Say.YES:
            return Reply(200, {"answer": answer.say, "reason": answer.why})
        case Say.NO:
            return Reply(*problem(ANSWERED_NO, answer.why))
        case Say.UNKNOWN:
            return Reply(*problem(TRY_LATER, answer.why, retryAfter=SECONDS_UNTIL_KNOWN))
        case _:
            assert_never(answer.say)


def _answer_flagger(req: func.HttpRequest, _caller: str) -> Reply:
    kind = kind_in(req.route_params["question"])
    if kind is None:
        return missing(f"{shown(req.route_params['question'])} is no webhook of Flagger's; known: {', '.join(Kind)}")
    return reply_to(app().flagger.answer(named_application(req), parse_question(kind, req.get_body())))


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
    try:
        app().hook_reports.take(application, call_id, status, body, named)
    except UnknownCallError as error:
        return missing(str(error))
    return Reply(202, {"application": application, "call": call_id, "status": status.state})
