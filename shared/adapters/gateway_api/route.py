"""An HTTPRoute as the Kubernetes API keeps it, read into values that cannot be wrong.

What Slipway does not move is kept as it was worded, for whoever has to copy it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

LARGEST_WEIGHT: Final = 1_000_000
_ABSENT_WEIGHT: Final = 1


class UnreadableError(Exception):
    """Not an HTTPRoute; the message names the member."""


class UnfitError(Exception):
    """The route is not as it must be to be divided; the message names the rule and the fix."""


@dataclass(frozen=True, slots=True)
class Backend:
    """One of a rule's `backendRefs`."""

    name: str
    weight: int


@dataclass(frozen=True, slots=True)
class Rule:
    """One of a route's rules."""

    name: str
    """Empty where it has none: older versions of the API know no names of rules."""
    backends: tuple[Backend, ...]
    document: Mapping[str, Any]
    """The rule as it is worded."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What a controller says of the route."""

    kind: str
    holds: bool
    generation: int
    """That of the route which it speaks of."""
    says: str


@dataclass(frozen=True, slots=True)
class Parent:
    """A gateway, and what its controller says."""

    name: str
    conditions: tuple[Condition, ...]

    def condition(self, kind: str) -> Condition | None:
        """Return what it says of one matter, or None while it says nothing."""
        return next((condition for condition in self.conditions if condition.kind == kind), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One version of an HTTPRoute."""

    version: str
    """Its `resourceVersion`: another one after each write, of whatever part."""
    generation: int
    """Another one after each write of what is wanted."""
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    rules_writers: tuple[str, ...]
    """The field managers that own the rules, by `managedFields`."""
    controller: str
    """The object that owns the route and controls it, as "Kind name"; empty where there is none."""
    rules: tuple[Rule, ...]
    parents: tuple[Parent, ...]


def read_route(document: Any) -> Route:
    """Return the route. Raises `UnreadableError`."""
    whole = _object(document, "the answer")
    if whole.get("kind") != "HTTPRoute":
        raise UnreadableError("the answer is no HTTPRoute")
    metadata = _object(whole.get("metadata"), "metadata")
    spec = _object(whole.get("spec") or {}, "spec")
    status = _object(whole.get("status") or {}, "status")
    return Route(
        version=_text(metadata.get("resourceVersion"), "metadata.resourceVersion"),
        generation=_integer(metadata.get("generation"), "metadata.generation"),
        labels=_texts(metadata.get("labels"), "metadata.labels"),
        annotations=_texts(metadata.get("annotations"), "metadata.annotations"),
        rules_writers=_rules_writers(_list(metadata.get("managedFields"), "metadata.managedFields")),
        controller=_controller(_list(metadata.get("ownerReferences"), "metadata.ownerReferences")),
        rules=tuple(_rule(rule, f"spec.rules[{at}]") for at, rule in enumerate(_list(spec.get("rules"), "spec.rules"))),
        parents=tuple(
            _parent(parent, f"status.parents[{at}]")
            for at, parent in enumerate(_list(status.get("parents"), "status.parents"))
        ),
    )


def _rule(value: Any, where: str) -> Rule:
    rule = _object(value, where)
    references = _list(rule.get("backendRefs"), f"{where}.backendRefs")
    _check_matches(_list(rule.get("matches"), f"{where}.matches"), f"{where}.matches")
    return Rule(
        name=_text(rule.get("name", ""), f"{where}.name"),
        backends=tuple(_backend(one, f"{where}.backendRefs[{at}]") for at, one in enumerate(references)),
        document=rule,
    )


def _check_matches(matches: Sequence[Any], where: str) -> None:
    """They are kept as they are worded, and an audience's rules repeat them and add a header to each."""
    for at, one in enumerate(matches):
        headers = _list(_object(one, f"{where}[{at}]").get("headers"), f"{where}[{at}].headers")
        for number, header in enumerate(headers):
            _object(header, f"{where}[{at}].headers[{number}]")


def _backend(value: Any, where: str) -> Backend:
    reference = _object(value, where)
    weight = _integer(reference.get("weight", _ABSENT_WEIGHT), f"{where}.weight")
    if not 0 <= weight <= LARGEST_WEIGHT:
        raise UnreadableError(f"{where}.weight is not from 0 to {LARGEST_WEIGHT}")
    return Backend(_text(reference.get("name"), f"{where}.name"), weight)


def _parent(value: Any, where: str) -> Parent:
    parent = _object(value, where)
    reference = _object(parent.get("parentRef"), f"{where}.parentRef")
    name = _text(reference.get("name"), f"{where}.parentRef.name")
    section = reference.get("sectionName")
    conditions = _list(parent.get("conditions"), f"{where}.conditions")
    return Parent(
        name=f"{name}/{section}" if section else name,
        conditions=tuple(_condition(one, f"{where}.conditions[{at}]") for at, one in enumerate(conditions)),
    )


def _condition(value: Any, where: str) -> Condition:
    condition = _object(value, where)
    said = (condition.get("reason"), condition.get("message"))
    return Condition(
        kind=_text(condition.get("type"), f"{where}.type"),
        holds=condition.get("status") == "True",
        generation=_integer(condition.get("observedGeneration", 0), f"{where}.observedGeneration"),
        says=": ".join(str(part)[:300] for part in said if part),
    )


def _rules_writers(entries: Sequence[Any]) -> tuple[str, ...]:
    writers = []
    for entry in entries:
        match entry:
            case {"manager": str(manager), "fieldsV1": {"f:spec": {"f:rules": _}}} if not entry.get("subresource"):
                writers.append(manager)
    return tuple(writers)


def _controller(references: Sequence[Any]) -> str:
    for reference in references:
        match reference:
            case {"controller": True, "kind": str(kind), "name": str(name)}:
                return f"{kind} {name}"
    return ""


def _object(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise UnreadableError(f"{where} is no object")
    return value


def _list(value: Any, where: str) -> Sequence[Any]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise UnreadableError(f"{where} is no list")
    return value


def _texts(value: Any, where: str) -> Mapping[str, str]:
    return {name: _text(text, f"{where}.{name}") for name, text in _object(value or {}, where).items()}


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise UnreadableError(f"{where} is no text")
    return value


def _integer(value: Any, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise UnreadableError(f"{where} is no whole number")
    return value
