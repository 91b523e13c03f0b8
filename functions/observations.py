"""HTTP: numbers pushed in, in our own JSON or in OpenTelemetry's."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import azure.functions as func

from functions.answers import Reply, for_source
from shared.bootstrap import app
from shared.wire.content_encoding import TooLongError
from shared.wire.problems import TOO_LARGE, problem

if TYPE_CHECKING:
    from shared.application.observed import Taken

SOURCE: Final = "observations"
"""Whose key is good for this, beside an operator's."""

blueprint = func.Blueprint()


@blueprint.route(route="api/observations", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
def take_observations(req: func.HttpRequest) -> func.HttpResponse:
    """What senders saw of versions in windows of time."""
    return for_source(req, SOURCE, _take)


@blueprint.route(route="api/observations/v1/metrics", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
def take_metrics(req: func.HttpRequest) -> func.HttpResponse:
    """The same as metrics of OpenTelemetry, at the address that its exporters make of an endpoint."""
    return for_source(req, SOURCE, lambda request, _caller: _read(request, lambda document, _: _take_metrics(document)))


@blueprint.route(route="api/flags/events", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
def accept_flag_events(req: func.HttpRequest) -> func.HttpResponse:
    """What users of a flag's variants met in windows of time."""
    return for_source(req, SOURCE, lambda request, _caller: _read(request, _accept_flag_events))


def _take(req: func.HttpRequest, _caller: str) -> Reply:
    from shared.wire.otlp_metrics import is_metrics

    return _read(
        req, lambda document, sender: _take_metrics(document) if is_metrics(document) else _take_own(document, sender)
    )


def _read(req: func.HttpRequest, take: Callable[[Any, str], Reply]) -> Reply:
    from shared.wire.observations import read_document, sender_of

    try:
        document = read_document(req.headers, req.get_body())
    except TooLongError as error:
        return Reply(*problem(TOO_LARGE, str(error)))
    return take(document, sender_of(req.headers))


def _take_own(document: Any, sender: str) -> Reply:
    from shared.wire.observations import parse_observations

    return _taken(app().observations.take(parse_observations(document, sender=sender)))


def _accept_flag_events(document: Any, sender: str) -> Reply:
    from shared.wire.flag_events import parse_flag_events

    events = app().flag_events.take(parse_flag_events(document, sender=sender))
    reply = _taken(events.taken)
    notes = [{"index": each.index, "detail": each.words} for each in events.notes]
    return replace(reply, body={**reply.body, "notes": notes})


def _taken(taken: "Taken") -> Reply:
    taken.check()
    refused = [{"index": each.index, "detail": str(each.error)} for each in taken.refused]
    return Reply(202, {"accepted": taken.accepted, "repeated": taken.repeated, "refused": refused})


def _take_metrics(document: Any) -> Reply:
    from shared.wire.otlp_metrics import answer_of, parse_metrics

    pushed = parse_metrics(document)
    taken = app().observations.take_points(pushed.reports)
    return Reply(200, answer_of((*pushed.left_out, *taken.left_out)))
