"""Lines of a rollout's history as people and machines are shown them.

A line is the event's own fields, in the API's units: weights are percentages, spans seconds, times end in Z, a plan
and a hook look as they do elsewhere in the API, and what is kept a target is an object by the target's name. So does a
spec, save that of addresses which it calls only the hosts are told, and of inputs only the names: a key may stand in
them, and history is kept for good.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, get_args, get_origin

from shared.domain.names import TargetName
from shared.domain.rollout.events import Event
from shared.domain.rollout.plan import Step
from shared.domain.rollout.spec import Spec
from shared.domain.rollout.state import HookRun
from shared.domain.rollout.weight import Weight, to_percent
from shared.wire.documents import read_event
from shared.wire.hook_views import hook_view, host_of
from shared.wire.spec_rendering import render_spec
from shared.wire.stored_form import refusing_broken
from shared.wire.views import shown_time, step_view


@dataclass(frozen=True, slots=True)
class Line:
    """One line, and the id of the rollout that it is about; None where it is about the application."""

    rollout: str | None
    view: dict[str, object]


def history_line(sequence: int, document: str) -> Line:
    """Return a stored event as a line: `sequence`, `type`, `at` and the event's own fields.

    Raises `RejectedError` for one that is broken, `NewerReleaseError` for one of a newer release.
    """
    event = read_event(document)
    with refusing_broken("a stored line of history"):
        return Line(getattr(event, "rollout", None), {"sequence": sequence, **event_view(event)})


def event_view(event: Event) -> dict[str, object]:
    """Return an event in the API's units, under its type."""
    fields: dict[str, object] = _converter().unstructure(event)
    return {"type": type(event).__name__, **fields}


@cache
def _converter() -> Any:
    from cattrs.preconf.json import make_converter

    converter: Any = make_converter()
    converter.register_unstructure_hook(Weight, to_percent)
    converter.register_unstructure_hook(timedelta, timedelta.total_seconds)
    converter.register_unstructure_hook(datetime, shown_time)
    converter.register_unstructure_hook(Spec, _spec_view)
    converter.register_unstructure_hook(HookRun, hook_view)
    converter.register_unstructure_hook_func(lambda kind: kind == Step, step_view)
    converter.register_unstructure_hook_factory(_is_kept_a_target, _by_target(converter))
    return converter


def _spec_view(spec: Spec) -> dict[str, Any]:
    document = render_spec(spec)
    calls = (*document["hooks"], *document.get("migration", {}).values())
    webhooks = (call["webhook"] for call in calls if "webhook" in call)
    for called in (*document["notifications"], *webhooks):
        called["url"] = f"{called['url'].partition('://')[0]}://{host_of(called['url'])}/..."
    for call in calls:
        inputs = call.get("github", {}).get("inputs", {})
        inputs.update(dict.fromkeys(inputs, "..."))
    return document


def _is_kept_a_target(kind: Any) -> bool:
    """Whether a type is `tuple[tuple[TargetName, X], ...]`."""
    pair = get_args(kind)[0] if get_origin(kind) is tuple and get_args(kind) else None
    return get_origin(pair) is tuple and get_args(pair)[0] is TargetName


def _by_target(converter: Any) -> Any:
    def hook_for(kind: Any) -> Any:
        value_kind = get_args(get_args(kind)[0])[1]
        return lambda pairs: {name: converter.unstructure(value, value_kind) for name, value in pairs}

    return hook_for
