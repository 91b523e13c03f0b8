"""The steps of an Argo canary as steps of ours: a pause with a time is a bake, one without is a gate."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final

from shared.wire.durations import LONGEST
from shared.wire.findings import Part
from shared.wire.peers.accounts import Accounts
from shared.wire.peers.gates import endless_gate
from shared.wire.peers.measuring import duration_of, plain, slug_of
from shared.wire.peers.readings import an_object, entries, given, seconds_or_duration, text, whole
from shared.wire.peers.weights import DEFAULT_STEPS, MOST_STEPS

_WINDOW: Final = Decimal(60)
_LONGEST_BAKE: Final = Decimal(30 * 60)
_BEHIND: Final = "plays no part once everyone has the new version"


@dataclass(frozen=True, slots=True)
class _Step:
    """A weight with what happens before and after it; the last one of all is the promotion."""

    weight: Decimal
    wait: Decimal = Decimal(0)
    gate: str = ""


@dataclass(slots=True)
class _Walk:
    """The steps so far. `gate` is waited for before the next weight."""

    accounts: Accounts
    most: int
    analyse: Callable[[Part], Decimal]
    steps: list[_Step] = field(default_factory=list)
    gate: str = ""
    before: Decimal = Decimal(0)
    """Time that passes before the first weight."""
    is_promoted: bool = False
    after: Decimal = Decimal(0)
    """Time that passes after everyone has the new version."""


def read_steps(canary: Part, analyse: Callable[[Part], Decimal], accounts: Accounts) -> dict[str, Any]:
    """Return `strategy.canary` for the steps of a Rollout. `analyse` reads an analysis and says how long it takes."""
    steps = given(canary, "steps")
    maximum = given(given(canary, "trafficRouting"), "maxTrafficWeight")
    walk = _Walk(accounts, whole(maximum, 100, least=1) or 100, analyse)
    accounts.becomes(maximum, "the weights are percent of it")
    for step in entries(steps):
        for name in list(an_object(step).value) if isinstance(step.value, dict) else []:
            part = given(step, name)
            if part.exists and name in _READERS:
                _READERS[name](part, walk)
    if not walk.steps:
        accounts.chosen("strategy.canary.steps", "5, 25 and 50: the Rollout names no weight between 0 and 100")
        walk.steps = [_Step(Decimal(weight)) for weight in DEFAULT_STEPS]
    elif len(walk.steps) > MOST_STEPS:
        every = -(-len(walk.steps) // MOST_STEPS)
        walk.steps = walk.steps[every - 1 :: every]
        accounts.no_equal(steps, f"a canary has at most {MOST_STEPS} steps", f"each weight in {every}")
    promotion = {**_gate(walk.gate), **({"bake": _bake(walk.after)} if walk.after else {})}
    return {"steps": [_document(step) for step in walk.steps], **({"promotion": promotion} if promotion else {})}


def _document(step: _Step) -> Any:
    weight = plain(step.weight)
    more = {**_gate(step.gate), **({"bake": _bake(step.wait)} if step.wait else {})}
    return {"weight": weight, **more} if more else weight


def _gate(name: str) -> dict[str, Any]:
    return {"gate": endless_gate(name)} if name else {}


def _bake(wait: Decimal) -> dict[str, Any]:
    longest = Decimal(LONGEST.total_seconds())
    least = min(max(wait, _WINDOW), longest - 60)
    return {"min": duration_of(least), "max": duration_of(min(max(3 * least, _LONGEST_BAKE), longest))}


def _read_weight(part: Part, walk: _Walk) -> None:
    asked = whole(part, None, most=walk.most)
    if asked is None:
        return
    weight = (Decimal(asked) * 100 / walk.most).quantize(Decimal("0.001"))
    highest = walk.steps[-1].weight if walk.steps else Decimal(0)
    if weight >= 100:
        walk.is_promoted = True
        walk.accounts.becomes(part, "strategy.canary.promotion: everyone gets the new version")
    elif weight == 0 and not walk.steps:
        walk.accounts.not_needed(part, "before the first weight nobody has the new version")
    elif walk.is_promoted or weight <= highest:
        walk.accounts.no_equal(part, "weights only rise", f"{plain(highest)} % stays as it is")
    else:
        walk.steps.append(_Step(weight, gate=walk.gate))
        walk.gate = ""
        walk.accounts.becomes(part, f"strategy.canary.steps[{len(walk.steps) - 1}].weight")


def _read_pause(part: Part, walk: _Walk) -> None:
    duration = given(an_object(part), "duration")
    wait = seconds_or_duration(duration) or Decimal(0)
    if duration.exists and wait > 0:
        _wait(part, wait, walk)
    elif walk.is_promoted:
        walk.accounts.no_equal(part, _BEHIND, "the promotion ends when its bake is over")
    else:
        _hold(part, f"after-{plain(walk.steps[-1].weight)}" if walk.steps else "before-the-first-user", walk)


def _hold(part: Part, name: str, walk: _Walk) -> None:
    if walk.gate:
        walk.accounts.no_equal(part, "a step has one gate", "the gate of an earlier step stands for this one too")
        return
    walk.gate = slug_of(name, "approval")
    walk.accounts.becomes(
        part,
        f"the gate {walk.gate} before what comes next: approve it at /api/applications/{{application}}/overrides. "
        "After 7d people are reminded, and it still waits",
    )


def _wait(part: Part, wait: Decimal, walk: _Walk) -> None:
    if walk.is_promoted:
        walk.after += wait
        walk.accounts.becomes(part, "strategy.canary.promotion.bake.min")
    elif not walk.steps:
        walk.accounts.no_equal(
            part, "there is no wait before the first user", "targets[].health, which must answer first"
        )
    else:
        walk.steps[-1] = replace(walk.steps[-1], wait=walk.steps[-1].wait + wait)
        short = ", as 1m: a step is not judged before a window is over" if wait < _WINDOW else ""
        walk.accounts.becomes(part, f"strategy.canary.steps[{len(walk.steps) - 1}].bake.min{short}")


def _read_analysis(part: Part, walk: _Walk) -> None:
    wait = walk.analyse(part)
    if wait and walk.steps and not walk.is_promoted:
        walk.steps[-1] = replace(walk.steps[-1], wait=max(walk.steps[-1].wait, wait))


def _read_plugin(part: Part, walk: _Walk) -> None:
    name = slug_of(text(given(an_object(part), "name")), "plugin")
    if walk.gate or walk.is_promoted:
        walk.accounts.no_equal(part, "no plugin is run", "left out")
        return
    walk.gate = name
    walk.accounts.no_equal(
        part,
        "no plugin is run",
        f"the gate {name} before what comes next. Let what the plugin did answer it with approve or reject",
    )


_READERS: Final[dict[str, Callable[[Part, _Walk], None]]] = {
    "setWeight": _read_weight,
    "pause": _read_pause,
    "analysis": _read_analysis,
    "plugin": _read_plugin,
}
