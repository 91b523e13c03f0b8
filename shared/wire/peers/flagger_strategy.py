"""How a Flagger analysis moves traffic, as a strategy of a release spec."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from shared.wire.durations import LONGEST
from shared.wire.findings import Part
from shared.wire.peers.accounts import Accounts
from shared.wire.peers.flagger_audience import read_audience
from shared.wire.peers.flagger_webhooks import (
    EACH,
    FIRST,
    OF_BLUE_GREEN,
    OF_CANARY,
    OF_EXPERIMENT,
    PROMOTION,
    Hooks,
    read_webhooks,
)
from shared.wire.peers.measuring import Measures, duration_of
from shared.wire.peers.readings import entries, flag, given, seconds, whole
from shared.wire.peers.weights import DEFAULT_STEPS, MOST_STEPS, rising

_DEFAULT_INTERVAL: Final = Decimal(60)
_FIRST_SEEN: Final = Decimal(105)
"""A window of a minute and the time until Prometheus has it."""


@dataclass(frozen=True, slots=True)
class _Pace:
    """How long a check lasts, and how many may fail."""

    interval: Decimal
    threshold: int

    def bake(self, checks: int = 1) -> dict[str, Any]:
        least = max(self.interval * checks, _DEFAULT_INTERVAL)
        most = max(least + self.interval * self.threshold, least + _DEFAULT_INTERVAL, _FIRST_SEEN)
        longest = Decimal(LONGEST.total_seconds())
        return {"min": duration_of(min(least, longest - 60)), "max": duration_of(min(most, longest))}


@dataclass(frozen=True, slots=True)
class Strategy:
    """The member `strategy`, and what else follows from the webhooks."""

    document: dict[str, Any]
    is_canary: bool
    hooks: Hooks


def read_strategy(analysis: Part, measures: Measures, accounts: Accounts) -> Strategy:
    """Return how users get to the new version: step by step, all at once, or an audience first."""
    iterations = whole(given(analysis, "iterations"), 0, most=100_000) or 0
    _check_shares(analysis, accounts)
    if not iterations:
        return _canary(analysis, accounts)
    for name in ("maxWeight", "stepWeight", "stepWeights", "stepWeightPromotion"):
        accounts.not_needed(given(analysis, name), "with iterations no weights are stepped through, as with Flagger")
    audience = read_audience(given(analysis, "match"), accounts)
    if audience is not None:
        return _experiment(analysis, iterations, audience, accounts)
    return _blue_green(analysis, iterations, measures, accounts)


def _read_pace(analysis: Part, bake: str, accounts: Accounts) -> _Pace:
    interval, threshold = given(analysis, "interval"), given(analysis, "threshold")
    length = seconds(interval) or _DEFAULT_INTERVAL
    count = max(1, whole(threshold, 1, most=1_000_000) or 1)
    short = ", as 1m: nothing is judged before a window is over" if length < _DEFAULT_INTERVAL else ""
    accounts.becomes(interval, f"{bake}.min, the least time{short}")
    accounts.becomes(
        threshold,
        f"{bake}.max, so many intervals more than min: without a good verdict by then users are taken back. A bad one "
        "takes them back at once",
    )
    return _Pace(length, count)


def _check_shares(analysis: Part, accounts: Accounts) -> None:
    mirror = given(analysis, "mirror")
    if not flag(mirror):
        accounts.not_needed(mirror, "nothing is mirrored")
    for name in ("primaryReadyThreshold", "canaryReadyThreshold", "mirrorWeight", "stepWeightPromotion"):
        whole(given(analysis, name), None, most=100)


def _canary(analysis: Part, accounts: Accounts) -> Strategy:
    hooks = read_webhooks(analysis, OF_CANARY, accounts)
    accounts.not_needed(given(analysis, "iterations"), "there are none")
    accounts.no_equal(given(analysis, "match"), "without iterations Flagger compares no header", "left out")
    pace = _read_pace(analysis, "strategy.canary.bake", accounts)
    accounts.chosen("strategy.canary.promotion.bake", "as that of the steps; Flagger is done once everyone is moved")
    document = {**_weights(analysis, hooks, accounts), "bake": pace.bake()}
    if PROMOTION in hooks.gates:
        document["promotion"] = {"gate": hooks.gates[PROMOTION]}
    return Strategy({"canary": document}, is_canary=True, hooks=hooks)


def _weights(analysis: Part, hooks: Hooks, accounts: Accounts) -> dict[str, Any]:
    step, most, listed = (given(analysis, name) for name in ("stepWeight", "maxWeight", "stepWeights"))
    size, limit = whole(step, 0, most=100) or 0, whole(most, 0, most=100) or 100
    weights = [weight for part in entries(listed) if (weight := whole(part, None, most=100)) is not None]
    if size > 0:
        accounts.not_needed(listed, "stepWeight beside it counts, as it does for Flagger")
        return _growing(size, limit, step, most, hooks, accounts)
    if weights:
        accounts.not_needed(most, "stepWeights beside it counts, as it does for Flagger")
        accounts.becomes(listed, "strategy.canary.steps")
        return _steps(rising(weights, listed, accounts), hooks)
    accounts.no_equal(step, "there are no steps of no size", "the weights 5, 25 and 50")
    accounts.no_equal(most, "without a step there are no weights up to it", "the weights 5, 25 and 50")
    accounts.chosen("strategy.canary.steps", "5, 25 and 50: the Canary names no weights, and would promote at once")
    return _steps(DEFAULT_STEPS, hooks)


def _growing(size: int, limit: int, step: Part, most: Part, hooks: Hooks, accounts: Accounts) -> dict[str, Any]:
    is_even = limit % size == 0 and size < limit < 100 and limit // size <= MOST_STEPS
    if is_even and not hooks.gates.keys() & {FIRST, EACH}:
        accounts.becomes(step, "strategy.canary.linear.step")
        accounts.becomes(most, "strategy.canary.linear.max")
        return {"linear": {"step": size, "max": limit}}
    accounts.becomes(step, "strategy.canary.steps: each weight is so much above the one before")
    accounts.becomes(most, "strategy.canary.steps: the promotion comes after the first weight that reaches it")
    weights = range(size, limit + size, size)
    return _steps(rising(weights, step, accounts), hooks)


def _steps(weights: Sequence[int], hooks: Hooks) -> dict[str, Any]:
    each = hooks.gates.get(EACH)
    gates = [hooks.gates.get(FIRST, each), *(each for _ in weights[1:])]
    pairs = zip(weights, gates, strict=True)
    return {"steps": [{"weight": weight, "gate": gate} if gate else weight for weight, gate in pairs]}


def _blue_green(analysis: Part, iterations: int, measures: Measures, accounts: Accounts) -> Strategy:
    hooks = read_webhooks(analysis, OF_BLUE_GREEN, accounts)
    pace = _read_pace(analysis, "strategy.blueGreen.preview.bake", accounts)
    part = given(analysis, "iterations")
    preview = {"gate": hooks.gates[PROMOTION]} if PROMOTION in hooks.gates else {}
    if measures.has_guards:
        preview["bake"] = pace.bake(iterations)
        accounts.becomes(
            part,
            "strategy.blueGreen.preview.bake.min: so many intervals. The candidate is judged on what testers send to "
            "its own host, so a load test must run meanwhile",
        )
    else:
        accounts.no_equal(part, "without a limit nothing can be judged before the switch", "no preview.bake")
        for name in ("interval", "threshold"):
            accounts.no_equal(given(analysis, name), "nothing is judged before the switch", "the default bake after it")
    return Strategy({"blueGreen": {"preview": preview} if preview else {}}, is_canary=False, hooks=hooks)


def _experiment(analysis: Part, iterations: int, audience: dict[str, str], accounts: Accounts) -> Strategy:
    hooks = read_webhooks(analysis, OF_EXPERIMENT, accounts)
    interval = given(analysis, "interval")
    length = seconds(interval) or _DEFAULT_INTERVAL
    longest = max(min(length * iterations, Decimal(LONGEST.total_seconds())), _DEFAULT_INTERVAL)
    by_hand = PROMOTION in hooks.gates
    accounts.becomes(given(analysis, "iterations"), "strategy.experiment.ends.after: so many intervals")
    accounts.becomes(interval, "strategy.experiment.ends.after: as many of it as there are iterations")
    accounts.no_equal(given(analysis, "threshold"), "checks are not counted", "the guards, which weigh all of them")
    if not by_hand:
        accounts.chosen("strategy.experiment.promote", "winner: Flagger promotes what no check spoke against")
    document = {
        "audience": audience,
        "ends": {"after": duration_of(longest)},
        "promote": "by-hand" if by_hand else "winner",
    }
    return Strategy({"experiment": document}, is_canary=False, hooks=hooks)
