"""HTTP: Flagger's webhooks.

Flagger takes any status up to 202 as yes, and `rollback` is among its questions: so yes is 200 and nothing else is
below 400, whatever goes wrong.
"""

from typing import Final, assert_never

import azure.functions as func

from functions.answers import Reply, for_token, missing, named_application
from shared.bootstrap import app
from shared.domain.rollout.flagger import Answer, Kind, Say
from shared.wire.findings import shown
from shared.wire.flagger_questions import kind_in, parse_question, token_in
from shared.wire.problems import ANSWERED_NO, TRY_LATER, problem

FLAGGER: Final = "flagger"
"""Whose key is good for this, beside an operator's."""
SECONDS_UNTIL_KNOWN: Final = 5

blueprint = func.Blueprint()


@blueprint.route(route="api/flagger/{application}/{question}", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
def answer_flagger(req: func.HttpRequest) -> func.HttpResponse:
    """A webhook of a Canary asks whether its cluster may go on, or must go back."""
    return for_token(req, FLAGGER, token_in(req.get_body()), _answer_flagger)


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
