"""HTTP: what could not be handled, and what people do with it."""

from typing import TYPE_CHECKING

import azure.functions as func

from functions.answers import Reply, for_operators, missing, new_id
from shared.bootstrap import app
from shared.domain.errors import UnknownError
from shared.domain.names import ApplicationName
from shared.wire.findings import shown
from shared.wire.identities import requested_identity

if TYPE_CHECKING:
    from shared.domain.dead_letters.decide import LetterDecision

blueprint = func.Blueprint()


@blueprint.route(route="api/dead-letters", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def list_dead_letters(req: func.HttpRequest) -> func.HttpResponse:
    """Return a page of what could not be handled."""
    from shared.wire.dead_letter_requests import PARAMETERS

    return for_operators(req, _list, takes=PARAMETERS)


@blueprint.route(route="api/dead-letters/{id}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def get_dead_letter(req: func.HttpRequest) -> func.HttpResponse:
    """Return one letter with everything that happened to it."""
    return for_operators(req, _get)


@blueprint.route(route="api/dead-letters/{id}/{action}", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
def act_on_dead_letter(req: func.HttpRequest) -> func.HttpResponse:
    """Have a letter sent again to the queue that it came from, or say that nothing is to be done with it."""
    return for_operators(req, _act)


def _list(req: func.HttpRequest, _caller: str) -> Reply:
    from shared.wire.dead_letter_requests import parse_letter_query

    return Reply(200, app().dead_letter_list.page(parse_letter_query(req.params)))


def _get(req: func.HttpRequest, _caller: str) -> Reply:
    try:
        return Reply(200, app().dead_letter_list.show(_named(req)))
    except UnknownError:
        return _no_letter(req)


def _act(req: func.HttpRequest, caller: str) -> Reply:
    from shared.wire.dead_letter_requests import parse_letter_action, parse_letter_reason

    kind = parse_letter_action(req.route_params["action"])
    why = parse_letter_reason(req.get_body())
    name = ApplicationName(req.route_params["id"])
    command = requested_identity(f"{kind.__name__.lower()} a letter", name, req.headers, new_id)
    try:
        letter = _named(req)
        decision = app().dead_letters.act(letter, kind(id=command, by=caller, why=why))
    except UnknownError:
        return _no_letter(req)
    return Reply(202 if decision.is_new else 200, _answer(letter, decision), f"/api/dead-letters/{letter}")


def _answer(letter: str, decision: "LetterDecision") -> dict[str, object]:
    """Say what was done, by whom and when: this time, or the first time that it was asked for."""
    from shared.wire.dead_letter_views import happening_view

    done = happening_view(decision.answer, lambda text: text)
    return {"letter": letter, "state": decision.letter.state.value, "new": decision.is_new, "done": done}


def _named(req: func.HttpRequest) -> str:
    """Return the id in the address. Raises `UnknownError` for what can be none: the store is not asked then."""
    from shared.wire.dead_letter_requests import LETTER_ID

    letter: str = req.route_params["id"]
    if not LETTER_ID.fullmatch(letter):
        raise UnknownError("no letter has this id")
    return letter


def _no_letter(req: func.HttpRequest) -> Reply:
    return missing(f"there is no letter {shown(req.route_params['id'])}")
