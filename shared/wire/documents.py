"""The stored forms: state, history, inbox, outbox and archive as JSON text, each with its schema's number.

Unions are tagged with the class's name, so a name of an event or an effect is part of the format and stays.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from shared.domain.analysis.guards import Test
from shared.domain.analysis.measurement import Missing, Sample
from shared.domain.analysis.parts import Baseline
from shared.domain.cron import Cron
from shared.domain.experiments.experiment import Measure
from shared.domain.names import RolloutId, Version
from shared.domain.rollout.calendar import Times, TimeZone
from shared.domain.rollout.commands import Accepted
from shared.domain.rollout.effects import Effect
from shared.domain.rollout.events import Event
from shared.domain.rollout.hooks import HookCall
from shared.domain.rollout.measuring import Source
from shared.domain.rollout.plan import Step
from shared.domain.rollout.spec import Canary, Strategy
from shared.domain.rollout.state import Application, Rollout
from shared.wire.alarms import Alarm
from shared.wire.stored_form import plain_converter, read_stored, write_stored
from shared.wire.time_zones import time_zone

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What is kept of an application: the rules' state, and what only the machinery needs."""

    application: Application
    version: int = 0
    """How many commits made this."""
    alarms: tuple[Alarm, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an accepted fact was answered, and is answered each time that it comes again."""

    rollout: RolloutId | None
    """The rollout that it is about, if any."""
    version: Version | None
    """The version of a deployment; None for other facts."""
    new: bool
    """Whether the rollout is this fact's own."""


@cache
def _converter() -> Any:
    from cattrs.strategies import configure_tagged_union

    converter = plain_converter()
    converter.register_structure_hook(Baseline, _baseline_reader(converter))
    converter.register_unstructure_hook(Cron, lambda cron: cron.text)
    converter.register_structure_hook(Cron, lambda text, _: Cron(text))
    converter.register_unstructure_hook(TimeZone, lambda zone: zone.name)
    converter.register_structure_hook(TimeZone, lambda name, _: time_zone(name))
    # The inner ones first: a union's hooks are made at once, with what is known of its members' fields by then.
    for union in (Test, Measure, Source, Sample | Missing, Times, HookCall, Step, Effect, Accepted):
        configure_tagged_union(union, converter, tag_name="type")
    # A strategy that was stored before there were others bears no tag.
    configure_tagged_union(Strategy, converter, tag_name="type", default=Canary)
    configure_tagged_union(Event, converter, tag_name="type")
    return converter


def _baseline_reader(converter: Any) -> Callable[[Any, Any], Baseline]:
    """Return a reader that also takes what was stored before a baseline was learnt: the stable version's counts."""
    from cattrs.gen import make_dict_structure_fn

    read = make_dict_structure_fn(Baseline, converter)

    def read_either(stored: Any, kind: Any) -> Baseline:
        if stored is None:
            return Baseline()
        if "failures" in stored:
            return Baseline(pooled=converter.structure(stored, Sample))
        return read(stored, kind)

    return read_either


def _write(value: object, kind: Any) -> str:
    return write_stored(value, kind, _converter())


def _read(text: str, kind: Any) -> Any:
    return read_stored(text, kind, _converter())


def write_envelope(envelope: Envelope) -> str:
    """Return the stored form of an application."""
    return _write(envelope, Envelope)


def read_envelope(text: str) -> Envelope:
    """Return the application. Raises `RejectedError` for a broken document, `NewerReleaseError` for a newer one."""
    envelope: Envelope = _read(text, Envelope)
    return envelope


def write_event(event: Event) -> str:
    """Return the stored form of a line of history."""
    return _write(event, Event)


def read_event(text: str) -> Event:
    """Return a line of history."""
    event: Event = _read(text, Event)
    return event


def write_accepted(command: Accepted) -> str:
    """Return the stored form of an accepted fact."""
    return _write(command, Accepted)


def read_accepted(text: str) -> Accepted:
    """Return an accepted fact."""
    command: Accepted = _read(text, Accepted)
    return command


def write_answer(answer: Answer) -> str:
    """Return the stored form of an answer."""
    return _write(answer, Answer)


def read_answer(text: str) -> Answer:
    """Return an answer."""
    answer: Answer = _read(text, Answer)
    return answer


def write_effect(effect: Effect) -> str:
    """Return the stored form of an effect."""
    return _write(effect, Effect)


def write_rollout(rollout: Rollout) -> str:
    """Return the stored form of a rollout that ended."""
    return _write(rollout, Rollout)


def read_rollout(text: str) -> Rollout:
    """Return a rollout that ended."""
    rollout: Rollout = _read(text, Rollout)
    return rollout
