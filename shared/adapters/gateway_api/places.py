"""Finding which of a route's two backends serves users, and whether its weights are ours to move."""

from datetime import timedelta
from typing import Final

from shared.adapters.gateway_api.clusters import KubernetesClusters
from shared.adapters.gateway_api.division import Divided, divided_rules, refuse_others, share_of
from shared.adapters.gateway_api.owners import find_other_owner
from shared.adapters.gateway_api.route import Parent, Route, UnfitError
from shared.domain.errors import TryLaterError
from shared.domain.names import Version
from shared.domain.rollout.spec import Located, Target
from shared.domain.rollout.weight import NONE

_SETTLES: Final = timedelta(seconds=5)
"""From a write to the last proxy that heard of it: controllers pass on a change of a route within a second or two."""


class GatewayPlaces:
    """The `PlaceFinder` of HTTPRoutes."""

    def __init__(self, clusters: KubernetesClusters) -> None:
        self._clusters = clusters

    def find_places(self, target: Target, candidate: Version) -> Located:  # noqa: ARG002 - a route knows no versions
        """Return the backend with the larger weight as stable, and the other of the two as the candidate's."""
        calls = self._clusters.open(target)
        route = calls.read()
        with calls.refusing_unfit():
            _refuse_other_owner(route)
            located = _locate(route, target)
        for parent in route.parents:
            _check(calls.what, route, parent)
        if not route.parents:
            raise TryLaterError(f"{calls.what}: no gateway has taken it up yet")
        return located


def _refuse_other_owner(route: Route) -> None:
    other = find_other_owner(route)
    if other is not None:
        raise UnfitError(other)


def _locate(route: Route, target: Target) -> Located:
    one, other = (place.name for place in target.places)
    divided = divided_rules(route, one, other)
    if not divided:
        known = sorted({backend.name for rule in route.rules for backend in rule.backends})
        raise UnfitError(
            f"no rule names both {one} and {other} in its backendRefs (there are {', '.join(known) or 'none'}): "
            "name both in each rule that is to be divided, the one that is to wait with weight 0"
        )
    for rule in divided:
        refuse_others(rule, one, other)
    stables = {_stable_of(rule, one, other) for rule in divided}
    if len(stables) > 1:
        raise UnfitError(
            f"rules disagree on who serves most, {one} or {other}: give one of the two the larger weight in each rule"
        )
    stable = stables.pop()
    waiting = other if stable == one else one
    return Located(stable=stable, candidate=waiting, settles=_SETTLES, says=_says(route, divided, waiting))


def _stable_of(divided: Divided, one: str, other: str) -> str:
    first, second = share_of(divided.rule, one), share_of(divided.rule, other)
    if first == NONE and second == NONE:
        raise UnfitError(f"rule {divided.at} gives both {one} and {other} weight 0: give who serves users a weight")
    if first == second:
        raise UnfitError(
            f"rule {divided.at} divides equally between {one} and {other}, so neither is the stable one: give the one "
            "that is to wait weight 0 (a weight that is left out is 1)"
        )
    return one if first > second else other


def _says(route: Route, divided: tuple[Divided, ...], waiting: str) -> str:
    both = {rule.at for rule in divided}
    alone = [str(at) for at, rule in enumerate(route.rules) if at not in both and rule.backends]
    parts = []
    if alone:
        parts.append(f"rules that do not name both backends stay as they are: {', '.join(alone)}")
    if any(share_of(rule.rule, waiting) != NONE for rule in divided):
        parts.append(f"{waiting} gets requests already")
    return "; ".join(parts)


def _check(what: str, route: Route, parent: Parent) -> None:
    """Raise `TryLaterError` unless the gateway routes by this very version of the route, to backends that are there."""
    for kind in ("Accepted", "ResolvedRefs"):
        condition = parent.condition(kind)
        if condition is None or condition.generation != route.generation:
            raise TryLaterError(f"{what}: {parent.name} has not said {kind} of its generation {route.generation} yet")
        if not condition.holds:
            raise TryLaterError(f"{what}: {parent.name} says it is not {kind}, {condition.says or 'without a reason'}")
