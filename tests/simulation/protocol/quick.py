"""What lets many schedules run several times faster, and changes nothing of what happens in them.

- Values of frozen dataclasses: each field is set by a call of `object.__setattr__`, and `dataclasses.replace`
  looks up each of them by name and makes the value anew. Here a value is filled while it is of a twin class with the
  same slots that is not frozen, and turned into one of its own class at last. It is the same value in every way.
- The intervals of an experiment's report are remembered.
- The collector of garbage looks less often.

A replay runs without all this, and tells the same story.
"""

import dataclasses
import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache, lru_cache
from types import ModuleType
from typing import Any

from shared.domain.experiments import report
from tests.simulation.protocol.patching import replaced

ROOMS = ("shared.", "tests.simulation.protocol.")
FEW = 3
"""With so many fields or less, turning a value costs as much as it saves."""
ALLOCATIONS = 50_000
"""So many more values than were let go before the collector looks at the newest: about what ten schedules leave."""
_MISSING = dataclasses.MISSING
_INTERVALS: dict[str, Any] = {
    name: lru_cache(maxsize=4_096)(getattr(report, name)) for name in ("difference", "ratio", "visible_difference")
}


@dataclasses.dataclass(frozen=True, slots=True)
class _Making:
    """How values of one class are made, and copied with changes."""

    init: Callable[..., None]
    copy: Callable[[Any, dict[str, Any]], Any]
    names: frozenset[str]


@contextmanager
def quickly() -> Iterator[None]:
    """Let schedules run as fast as they can, until the end."""
    with quick_values(), remembered_intervals(), seldom_collected():
        yield


@contextmanager
def remembered_intervals() -> Iterator[None]:
    """Let the intervals of an experiment's report be what they were for the same counts before: sites give the same
    counts in most schedules, and looking for an interval takes thousands of steps."""
    with ExitStack() as stack:
        for name, interval in _INTERVALS.items():
            stack.enter_context(replaced(report, name, interval))
        yield


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Look for garbage in circles less often, and never among what was there before: most of it is for good."""
    thresholds = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


@contextmanager
def quick_values() -> Iterator[None]:
    """Let the values of all frozen dataclasses that are loaded by now be made so, until the end."""
    before: list[tuple[Any, str, Any]] = []
    for module in [module for name, module in sorted(sys.modules.items()) if name.startswith(ROOMS)]:
        for owner, name, new in _replacements(module):
            before.append((owner, name, getattr(owner, name)))
            setattr(owner, name, new)
    try:
        yield
    finally:
        for owner, name, old in before:
            setattr(owner, name, old)


def replace(value: Any, /, **changes: Any) -> Any:
    """Do what `dataclasses.replace` does."""
    making = _making_of(value.__class__)
    if making is None or not making.names.issuperset(changes):
        return dataclasses.replace(value, **changes)
    return making.copy(value, changes)


def _replacements(module: ModuleType) -> Iterator[tuple[Any, str, Any]]:
    if getattr(module, "replace", None) is dataclasses.replace:
        yield module, "replace", replace
    for kind in vars(module).values():
        if not isinstance(kind, type) or kind.__module__ != module.__name__:
            continue
        making = _making_of(kind)
        if making is not None and len(dataclasses.fields(kind)) > FEW:
            yield kind, "__init__", making.init


@cache
def _making_of(kind: type) -> _Making | None:
    """Return how values of a class are made; None for a class that makes them in a way of its own."""
    is_plain = dataclasses.is_dataclass(kind) and "__slots__" in vars(kind) and not hasattr(kind, "__post_init__")
    if not is_plain or not kind.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        return None
    fields = dataclasses.fields(kind)
    if not fields or not all(field.init for field in fields):
        return None
    twin = type(kind.__name__, kind.__bases__, {"__slots__": kind.__slots__, "__setattr__": object.__setattr__})
    known = {"_kind": kind, "_twin": twin, "_new": object.__new__, "_set": object.__setattr__, "_missing": _MISSING}
    known |= {f"_usual_{field.name}": field.default for field in fields}
    known |= {f"_make_{field.name}": field.default_factory for field in fields}
    exec("\n".join([*_init(fields), *_copy(fields)]), known)
    return _Making(known["init"], known["copy"], frozenset(field.name for field in fields))


def _init(fields: tuple[Any, ...]) -> Iterator[str]:
    positional = [_parameter(field) for field in fields if not field.kw_only]
    named = [_parameter(field) for field in fields if field.kw_only]
    yield f"def init(self, {', '.join([*positional, *(['*'] if named else []), *named])}):"
    yield ' _set(self, "__class__", _twin)'
    for field in fields:
        if field.default_factory is not _MISSING:
            yield f" if {field.name} is _missing: {field.name} = _make_{field.name}()"
        yield f" self.{field.name} = {field.name}"
    yield " self.__class__ = _kind"


def _parameter(field: Any) -> str:
    if field.default_factory is not _MISSING:
        return f"{field.name}=_missing"
    return field.name if field.default is _MISSING else f"{field.name}=_usual_{field.name}"


def _copy(fields: tuple[Any, ...]) -> Iterator[str]:
    yield "def copy(value, changes):"
    yield " self = _new(_twin)"
    for field in fields:
        yield f" self.{field.name} = value.{field.name}"
    yield " for name in changes: _set(self, name, changes[name])"
    yield " self.__class__ = _kind"
    yield " return self"
