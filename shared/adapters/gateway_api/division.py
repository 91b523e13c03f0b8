"""How a route's rules divide requests between two backends, and what to write so that they divide them otherwise.

Weights add up to 100,000, the unit of `Weight` itself, so that no share is ever rounded. A rule that names only one
of the two backends divides nothing between them and is left alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.adapters.gateway_api.json_patch import Operation, expect, put
from shared.adapters.gateway_api.route import Backend, Route, Rule, UnfitError
from shared.domain.rollout.spec import Located
from shared.domain.rollout.weight import ALL, NONE, Weight, rest


@dataclass(frozen=True, slots=True)
class Divided:
    """A rule that names both backends, and its number in the route."""

    at: int
    rule: Rule


def divided_rules(route: Route, one: str, other: str) -> tuple[Divided, ...]:
    """Return the rules that name both backends."""
    return tuple(
        Divided(at, rule)
        for at, rule in enumerate(route.rules)
        if {one, other} <= {backend.name for backend in rule.backends}
    )


def share_of(rule: Rule, name: str) -> Weight:
    """Return the share of the rule's requests that a backend gets: never less than it is, nothing for no weight."""
    total = sum(backend.weight for backend in rule.backends)
    own = sum(backend.weight for backend in rule.backends if backend.name == name)
    return Weight(-(-own * ALL // total)) if total else NONE


def read_share(route: Route, located: Located) -> Weight:
    """Return the largest share that any of the divided rules sends to the candidate.

    Raises `UnfitError` where no rule names both backends.
    """
    divided = _divided(route, located)
    return max(share_of(one.rule, located.candidate) for one in divided)


def plan_share(route: Route, located: Located, share: Weight) -> list[Operation]:
    """Return the patch that gives the candidate its share in each divided rule; nothing where it has it already.

    Raises `UnfitError` where no rule names both backends, or where others get requests beside them. Taking users
    off the candidate is never refused for the latter.
    """
    changes: list[Operation] = []
    for one in _divided(route, located):
        if share != NONE:
            refuse_others(one, located.stable, located.candidate)
        wanted = _wanted(one.rule.backends, located, share)
        if _as_shares(one.rule.backends, located) != _as_shares(wanted, located):
            changes += _changes(one, wanted)
    return [expect("/metadata/resourceVersion", route.version), *changes] if changes else []


def refuse_others(divided: Divided, one: str, other: str) -> None:
    """Raise `UnfitError` where a third backend gets requests of a divided rule, or one stands there twice."""
    names = [backend.name for backend in divided.rule.backends]
    for name in (one, other):
        if names.count(name) > 1:
            raise UnfitError(f"rule {divided.at} names {name} twice: name each of the two backends once in a rule")
    for backend in divided.rule.backends:
        if backend.name not in (one, other) and backend.weight > 0:
            raise UnfitError(
                f"rule {divided.at} sends requests to {backend.name} too, so shares of two backends are none of all: "
                "give it weight 0, or a rule of its own"
            )


def _divided(route: Route, located: Located) -> tuple[Divided, ...]:
    divided = divided_rules(route, located.stable, located.candidate)
    if not divided:
        raise UnfitError(f"no rule names both {located.stable} and {located.candidate} any more: put them back")
    return divided


def _wanted(backends: Sequence[Backend], located: Located, share: Weight) -> tuple[Backend, ...]:
    """Return the backends with their weights. Of one that stands there twice the first gets all that is its own."""
    left = {located.candidate: int(share), located.stable: int(rest(share))}
    return tuple(
        Backend(backend.name, left.pop(backend.name, 0))
        if backend.name in (located.stable, located.candidate)
        else backend
        for backend in backends
    )


def _as_shares(backends: Sequence[Backend], located: Located) -> tuple[int, ...]:
    """Return the weights of the two, brought to one scale: 1 and 1 divide as 50,000 and 50,000 do."""
    weights = tuple(backend.weight for backend in backends if backend.name in (located.stable, located.candidate))
    total = sum(weights)
    exact = total > 0 and all(weight * ALL % total == 0 for weight in weights)
    return tuple(weight * ALL // total for weight in weights) if exact else (-1, *weights)


def _changes(divided: Divided, wanted: Sequence[Backend]) -> Iterator[Operation]:
    for number, (before, after) in enumerate(zip(divided.rule.backends, wanted, strict=True)):
        path = f"/spec/rules/{divided.at}/backendRefs/{number}"
        yield expect(f"{path}/name", before.name)
        if before != after:
            yield put(f"{path}/weight", after.weight)
