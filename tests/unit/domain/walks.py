"""Random walks: any order of commands, answers, readings and time, with the laws checked after each decision."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import strategies as st

from shared.domain.analysis.judgement import Verdict
from shared.domain.analysis.measurement import Sample
from shared.domain.names import CommandId, EffectId, RolloutId, TargetName, Version
from shared.domain.rollout import events as e
from shared.domain.rollout.audience import MarkedUsers
from shared.domain.rollout.calls import running
from shared.domain.rollout.commands import (
    AcceptSpec,
    Action,
    ClaimEffect,
    Command,
    EffectFailed,
    EffectOutcome,
    HookReport,
    Override,
    SwapNotNeeded,
    SwapWasBegun,
    Tick,
    WeightWasSet,
)
from shared.domain.rollout.decide import decide
from shared.domain.rollout.draft import Decision
from shared.domain.rollout.effects import SetWeight
from shared.domain.rollout.evolve import evolve
from shared.domain.rollout.hooks import HookState, HookStatus
from shared.domain.rollout.measuring import Measuring, ObservationsSource
from shared.domain.rollout.needs import needs, place_of_stable
from shared.domain.rollout.on_tick import next_look, next_wake
from shared.domain.rollout.permissions import refusal
from shared.domain.rollout.plan import AwaitApproval, Prepare, Promote, RunHook
from shared.domain.rollout.preview import Preview
from shared.domain.rollout.readings import Readings, Trouble
from shared.domain.rollout.spec import AlertAction, Judging, LowTraffic, Outcome, Place, Stage, WhenBusy
from shared.domain.rollout.state import Application, Phase, Rollout, Side, TargetState
from shared.domain.rollout.weight import ALL, NONE, Weight
from tests.unit.domain.outside import BAD, BROKEN, GOOD, IDLE, NOTHING, is_turned
from tests.unit.domain.specs import (
    BETA,
    HOUR,
    MEASURING,
    MINUTE,
    ab_test,
    blue_green,
    canary,
    hook,
    spec,
    with_previews,
)
from tests.unit.domain.states import Story, alert, deploy, override

MEETINGS = {
    "good": GOOD,
    "bad": BAD,
    "idle": IDLE,
    "nothing": NOTHING,
    "broken": BROKEN,
    "nan": Sample(requests=1_000, failures=math.nan),
    "infinite": Sample(requests=math.inf, failures=1),
    "negative": Sample(requests=1_000, failures=-1),
    "more failures than requests": Sample(requests=10, failures=11),
    "too few": Sample(requests=2, failures=0),
}
NEVER_A_PASS = tuple(name for name in MEETINGS if name != "good")
AFTER_THE_END = (e.DriftFound, e.PinnedCounted, e.NotificationDropped, e.WarmthEnded, e.HookBegun, e.HookEnded)
TICKS_AT_ONE_MOMENT = 6
SPANS = (0, 1, 5, 35, 61, 200, 3_700, 90_000)
VERSIONS = ("1", "2", "3")


@dataclass(frozen=True, slots=True)
class Move:
    """One thing that happens in a walk, as data, so that a failing walk reads as a story."""

    kind: str
    what: object = None

    def __repr__(self) -> str:
        return self.kind if self.what is None else f"{self.kind}({self.what})"


def _move(kind: str, what: st.SearchStrategy | None = None) -> st.SearchStrategy:
    return st.just(Move(kind)) if what is None else what.map(lambda chosen: Move(kind, chosen))


MOVES = st.one_of(
    _move("on"),
    _move("on"),
    _move("on"),
    _move("tick"),
    _move("blind tick"),
    _move("news"),
    _move("wait", st.sampled_from(SPANS)),
    _move("do", st.integers(0, 3)),
    _move("fail", st.integers(0, 3)),
    _move("refuse", st.integers(0, 3)),
    _move("lose", st.integers(0, 3)),
    _move("claim", st.integers(0, 3)),
    _move("stall", st.integers(0, 3)),
    _move("stalled", st.integers(0, 3)),
    _move("late", st.integers(-2, 2)),
    _move("override", st.sampled_from(list(Action))),
    _move("override", st.sampled_from(list(Action))),
    _move("deploy", st.sampled_from(VERSIONS)),
    _move("alert", st.booleans()),
    _move("respec", st.tuples(st.sampled_from(list(WhenBusy)), st.sampled_from(list(AlertAction)))),
    _move("meet", st.sampled_from(["good", "good", *NEVER_A_PASS])),
    _move("overwrite candidate", st.sampled_from(VERSIONS)),
    _move("move by hand", st.sampled_from([0, 1_000, 80_000])),
    _move("health", st.booleans()),
    _move("preview by hand", st.sampled_from([Preview.NONE, Preview.PENDING, Preview.FOREIGN])),
    _move("hooks", st.sampled_from(list(HookState))),
    _move("hook report", st.sampled_from(list(HookState))),
    _move("swap ends"),
    _move("swap fails"),
    _move("trouble", st.booleans()),
)
OUTCOMES = st.sampled_from(list(Outcome))
STRATEGIES = st.one_of(
    st.builds(canary, OUTCOMES, first_gate=st.booleans()),
    st.builds(canary, OUTCOMES, first_gate=st.booleans()),
    st.builds(blue_green, OUTCOMES, preview=st.booleans()),
    st.builds(ab_test, audience=st.sampled_from([None, MarkedUsers(mark=BETA)]), when_decided=st.booleans()),
)
TARGETS = (("web",), ("web", "west"), ("app",), ("dns",), ("web", "app"), ("app", "route"), ("flag",), ("web", "flag"))
NO_RETURN = hook(Stage.BEFORE_PROMOTION, no_return=True)
AFTER = tuple(hook(stage) for stage in (Stage.AFTER_PROMOTION, Stage.ON_ROLLBACK, Stage.CONTRACT))
HOOKS = st.one_of(
    st.just(()),
    st.just(AFTER),
    OUTCOMES.map(lambda otherwise: (hook(Stage.EXPAND, otherwise), *AFTER)),
    OUTCOMES.map(lambda otherwise: (hook(Stage.BEFORE_INCREASE, otherwise),)),
    st.just((NO_RETURN, hook(Stage.CONTRACT))),
)
PLAIN_SPECS = st.builds(
    spec,
    strategy=STRATEGIES,
    hooks=HOOKS,
    keep_warm=st.sampled_from([timedelta(0), HOUR, HOUR]),
    otherwise=st.sampled_from(list(Outcome)),
    when_busy=st.sampled_from(list(WhenBusy)),
    on_alert=st.sampled_from(list(AlertAction)),
    targets=st.sampled_from(TARGETS),
    judging=st.builds(
        Judging,
        low_traffic=st.sampled_from(list(LowTraffic)),
        hold_back=st.sampled_from([Weight(0), Weight(5_000), Weight(20_000)]),
    ),
    measuring=st.sampled_from(
        [MEASURING, MEASURING, Measuring(window=MINUTE, lag=timedelta(0), source=ObservationsSource())]
    ),
)
SPECS = st.one_of(PLAIN_SPECS, PLAIN_SPECS, PLAIN_SPECS.map(with_previews))


class HookBook:
    """What was called so far, checked against the laws of hooks."""

    def __init__(self) -> None:
        self.begun: set[str] = set()
        self.kept: dict[RolloutId, Version] = {}
        """The version before that each rollout left behind, while it was to come back in one hop."""

    def check(self, before: Application, event: e.Event, command: Command) -> None:
        live = before.live
        if before.warm is not None:
            self.kept[before.warm.rollout] = before.warm.version
        match event:
            case e.HookBegun():
                assert event.run.call_id not in self.begun, "a hook is called once for its step"
                self.begun.add(event.run.call_id)
                if event.run.hook.at is Stage.CONTRACT:
                    self._check_contract(before, event)
            case e.HookEnded():
                call = before.call(event.call_id)
                assert call is not None, "only what was called ends"
                assert not call.is_over, "a call ends once"
            case e.RolloutResumed() if live is not None and live.hook is not None:
                self.begun.discard(live.hook.call_id)
            case e.RollbackBegun() if live is not None and live.no_return:
                assert isinstance(command, Override), "beyond the point of no return only a person goes back"

    def _check_contract(self, before: Application, event: e.HookBegun) -> None:
        gone = self.kept[event.rollout]
        comes = {rollout.version for rollout in (before.live, before.pending) if rollout is not None}
        assert gone not in comes, "nothing that a version on its way needs is taken away"
        assert before.serving is None or before.serving.version != gone, "nor what the version that serves needs"


class Walk(Story):
    """A story that nobody planned. Every decision is checked against the laws."""

    def __init__(self, first) -> None:
        self.stalls: list[EffectOutcome] = []
        self.answered: list[EffectOutcome] = []
        self.lifted: set[str] = set()
        self.over: set[str] = set()
        self.hooks = HookBook()
        self.deployments = 1
        super().__init__(first)

    def go(self, wakes: int) -> None:
        """Deploy, and follow the plan for so many wake-ups; a person approves at once."""
        for target in self.state.spec.targets if self.state.spec else ():
            self.outside.site(target.name)
        self.tell(deploy("2"))
        for _ in range(wakes):
            self.move(Move("on"))
            if refusal(self.state, Action.APPROVE) is None:
                self.override(Action.APPROVE)

    def move(self, move: Move) -> None:
        _MOVES[move.kind](self, move.what)

    def tell(self, command: Command, readings: Readings | None = None) -> Decision:
        before = self.state
        seen = self.outside.read(needs(before, command, self.now), before) if readings is None else readings
        decision = decide(before, command, seen, now=self.now)
        self.state = decision.state
        self.events += decision.events
        self.archived += decision.archived
        self.opened += decision.opened
        assert decide(before, command, seen, now=self.now) == decision, "decide is deterministic"
        self._check_fold(before, decision)
        self._check_history(before, decision)
        self._check_weights(before, command, decision)
        self._check_held_back(decision, seen)
        self._check_sleep(decision)
        return decision

    def comes_to_rest(self) -> None:
        """Ticks at one moment soon find nothing more to do: no wake-up may call for itself at once, for ever."""
        for _ in range(TICKS_AT_ONE_MOMENT):
            at = next_look(self.state)
            if at is None or at > self.now:
                return
            self.tick()
        at = next_look(self.state)
        assert at is None or at > self.now, f"ticks never end: {self.state.live and self.state.live.doing}"

    def _check_fold(self, before: Application, decision: Decision) -> None:
        folded = before
        for event in decision.events:
            folded = evolve(folded, event)
        outbox = {"effects": (), "effects_made": 0}
        assert replace(folded, **outbox) == replace(decision.state, **outbox), "state is the fold of its events"
        opened = {row.id for row in decision.opened}
        kept = {row.id for row in before.effects} - set(decision.closed)
        assert {row.id for row in decision.state.effects} == kept | opened, "every outbox row is accounted for"

    def _check_history(self, before: Application, decision: Decision) -> None:
        recorded = [event for event in decision.events if not isinstance(event, e.SILENT)]
        assert decision.state.sequence == before.sequence + len(recorded), "no gap in the history"
        for event in decision.events:
            rollout = getattr(event, "rollout", None)
            assert rollout not in self.over or isinstance(event, AFTER_THE_END), "the end is the end"
            if isinstance(event, e.RolloutEnded | e.DeploymentRefused):
                self.over.add(event.rollout)
        for kept in decision.archived:
            assert kept.phase.is_terminal
            assert kept.last_sequence <= decision.state.sequence

    def _check_success(self, before: Application, event: e.Event) -> None:
        live = before.live
        if isinstance(event, e.RolloutEnded) and event.ending.phase is Phase.SUCCEEDED and live and live.step >= 0:
            assert all(t.observed == ALL and t.side is Side.CANDIDATE for t in live.targets), "everyone is there"

    def _check_weights(self, before: Application, command: Command, decision: Decision) -> None:
        """Follow the state through each event of the decision, for the laws that hold in between too."""
        now_at = before
        for event in decision.events:
            earlier, now_at = now_at, evolve(now_at, event)
            self._check_step(earlier, event, command)
            self._check_success(earlier, event)
            self.hooks.check(earlier, event, command)
            live = now_at.live
            if live is None:
                continue
            for target in live.targets:
                assert NONE <= target.wanted <= ALL
                assert NONE <= target.proven <= ALL
                assert NONE <= target.share() <= ALL
                assert live.id in self.lifted or target.wanted <= target.proven, "above what was proven"
                assert live.phase is not Phase.ROLLING_BACK or target.wanted == NONE, "a rollback raises nothing"

    def _check_held_back(self, decision: Decision, seen: Readings) -> None:
        for target in decision.state.live.targets if decision.state.live else ():
            serves = seen.version(target.name, place_of_stable(target))
            replaced = not isinstance(serves, Trouble) and serves != target.stable_version
            assert not (target.holds_back and replaced), "nobody is held back on another version than the stable one"

    def _check_step(self, before: Application, event: e.Event, command: Command) -> None:
        live = before.live
        if isinstance(event, e.StepEntered):
            assert live is not None
            if getattr(command, "action", None) in (Action.SKIP, Action.PROMOTE):
                self.lifted.add(live.id)
            elif event.step > 0:
                assert event.step == live.step + 1, "steps are passed one by one"
                assert _passed(live), "a step is left by its proof, an approval or an override"
        if isinstance(event, e.StepPassed):
            assert live is not None
            assert isinstance(command, Tick)
            assert _is_return(live) or all(_is_freshly_healthy(live, t) for t in live.targets), "only healthy advances"

    def _check_sleep(self, decision: Decision) -> None:
        state, live = decision.state, decision.state.live
        assert live is None or next_wake(state) is not None, "a live rollout has a wake-up"
        assert live is None or next_look(state) is not None, "a live rollout is looked at again"
        assert live is None or not live.phase.is_terminal
        assert state.pending is None or state.pending.phase is Phase.PENDING
        assert state.pending is None or live is not None or state.frozen is not None, "whose turn has come starts"
        look = next_look(state)
        if look is None or look > self.now:
            assert decide(state, Tick(), now=self.now).events == (), "nothing due, nothing decided"
        for outcome in self.answered[-3:]:
            if state.open_effect(outcome.effect) is None:
                assert decide(state, outcome, now=self.now).events == (), "an answer counts once"


def _passed(live: Rollout) -> bool:
    if isinstance(live.plan[live.step], AwaitApproval):
        return live.approved
    if isinstance(live.plan[live.step], RunHook):
        return live.hook is not None and live.hook.status.state is HookState.SUCCEEDED
    if isinstance(live.plan[live.step], Prepare):
        return all(target.has_preview_as_wanted for target in live.targets)
    return _is_return(live) or all(_is_freshly_healthy(live, target) for target in live.targets)


def _is_return(live: Rollout) -> bool:
    current = live.plan[live.step]
    return isinstance(current, Promote) and live.returns


def _is_freshly_healthy(live: Rollout, target: TargetState) -> bool:
    """Judged healthy, also by a good window that was measured wholly at the present weight."""
    seen, since, there_since = target.analysis.newest, live.baking_since, target.analysis.good_since
    return (
        target.judgement is not None
        and target.judgement.verdict is Verdict.HEALTHY
        and seen is not None
        and since is not None
        and seen > since
        and there_since is not None
        and any(window.candidate == GOOD and window.start >= there_since for window in target.analysis.recent)
    )


def _nth_row(walk: Walk, number: int) -> EffectId | None:
    rows = walk.state.effects
    return rows[number % len(rows)].id if rows else None


def _on(walk: Walk, _: object) -> None:
    """Everything goes as it should: due effects are done, swaps end, and time passes to the next wake-up."""
    walk.settle()
    at = next_wake(walk.state)
    if at is not None:
        walk.now = max(walk.now, at)
    for site in walk.outside.sites.values():
        site.finish_swap()
    walk.comes_to_rest()
    walk.settle()


def _blind_tick(walk: Walk, _: object) -> None:
    asked = needs(walk.state, Tick(), walk.now)
    walk.tell(Tick(), Readings(dict.fromkeys(asked, Trouble("503"))))


def _wait(walk: Walk, seconds: object) -> None:
    assert isinstance(seconds, int)
    walk.wait(timedelta(seconds=seconds))


def _do(walk: Walk, number: object) -> None:
    row = walk.state.open_effect(_nth_row(walk, number) or EffectId(""))
    if row is not None:
        walk.answered.append(walk.perform(row))


def _fail(walk: Walk, number: object) -> None:
    _answer_failure(walk, number, for_good=False)


def _refuse(walk: Walk, number: object) -> None:
    _answer_failure(walk, number, for_good=True)


def _answer_failure(walk: Walk, number: object, *, for_good: bool) -> None:
    row_id = _nth_row(walk, number)
    if row_id is not None:
        walk.tell(EffectFailed(row_id, "503", for_good=for_good))


def _claim(walk: Walk, number: object) -> None:
    row_id = _nth_row(walk, number)
    if row_id is not None:
        walk.tell(ClaimEffect(row_id))


def _stall(walk: Walk, number: object) -> None:
    """A worker does its work outside, and its answer comes late."""
    row = walk.state.open_effect(_nth_row(walk, number) or EffectId(""))
    if row is not None:
        walk.stalls.append(walk.outside.do(walk.state, row))


def _lose(walk: Walk, number: object) -> None:
    """The work is done outside, and no answer comes."""
    row = walk.state.open_effect(_nth_row(walk, number) or EffectId(""))
    if row is not None:
        walk.outside.do(walk.state, row)
        walk.tell(EffectFailed(row.id, "timed out", in_doubt=True))


def _stalled(walk: Walk, number: object) -> None:
    if walk.stalls:
        outcome = walk.stalls[number % len(walk.stalls)]
        walk.answered.append(outcome)
        walk.tell(outcome)


def _late(walk: Walk, shift: object) -> None:
    """An answer for another generation."""
    rows, live = walk.rows(), walk.state.live
    overtaken = [row for at, row in enumerate(rows) if any(row.effect == newer.effect for newer in rows[at + 1 :])]
    if not overtaken or live is None:
        return
    row, target = overtaken[0], live.targets[0]
    generation = target.generation + (shift or -1)
    if isinstance(row.effect, SetWeight):
        walk.tell(WeightWasSet(row.id, generation, target.share()))
    else:
        walk.tell(SwapNotNeeded(row.id, generation) if shift > 0 else SwapWasBegun(row.id, generation, "swap-9"))


def _override(walk: Walk, action: object) -> None:
    """A person says so; who skips has seen the step, every other time."""
    walk.deployments += 1
    sees = walk.state.live is not None and action is Action.SKIP and walk.deployments % 2 == 0
    step = walk.live.step if sees and walk.live.step >= 0 else None
    walk.tell(override(action, 100 + walk.deployments, step=step))


def _deploy(walk: Walk, version: object) -> None:
    walk.deployments += 1
    walk.tell(deploy(version, walk.deployments))


def _respec(walk: Walk, policies: object) -> None:
    when_busy, on_alert = policies
    changed = replace(walk.state.spec, when_busy=when_busy, on_alert=on_alert)
    walk.tell(AcceptSpec(spec=changed, by="team"))


def _overwrite(walk: Walk, version: object) -> None:
    """CI puts a version into the place that is not the stable version's."""
    live = walk.state.live
    for name, site in walk.outside.sites.items():
        known = live.target(name) if live else None
        turned = is_turned(known) if known and known.located else _is_by_weight(walk, name) and site.share > ALL / 2
        site.put(Place.CANDIDATE, str(version), turned=turned)


def _is_by_weight(walk: Walk, name: TargetName) -> bool:
    spec_in_force = walk.state.spec
    return spec_in_force is not None and not spec_in_force.target(name).kind.swaps


def _hooks(walk: Walk, state: object) -> None:
    walk.outside.hook = HookStatus(HookState(str(state)))


def _hook_report(walk: Walk, state: object) -> None:
    for run in running(walk.state):
        report = HookReport(id=CommandId("report"), call_id=run.call_id, status=HookStatus(HookState(str(state))))
        walk.tell(report)
        return


def _each_site(change: Callable[[object, object], None]) -> Callable[[Walk, object], None]:
    def move(walk: Walk, what: object) -> None:
        for site in walk.outside.sites.values():
            change(site, what)

    return move


def _to(name: str, read: Callable[[object], object] = lambda what: what) -> Callable[[Walk, object], None]:
    return _each_site(lambda site, what: setattr(site, name, read(what)))


_MOVES: dict[str, Callable[[Walk, object], object]] = {
    "on": _on,
    "tick": lambda walk, _: walk.comes_to_rest(),
    "blind tick": _blind_tick,
    "news": lambda walk, _: walk.tell(Tick(news=True)),
    "wait": _wait,
    "do": _do,
    "fail": _fail,
    "refuse": _refuse,
    "lose": _lose,
    "claim": _claim,
    "stall": _stall,
    "stalled": _stalled,
    "late": _late,
    "override": _override,
    "deploy": _deploy,
    "alert": lambda walk, fired: walk.tell(alert(fired=fired)),
    "respec": _respec,
    "meet": _to("users_meet", lambda name: MEETINGS[name]),
    "overwrite candidate": _overwrite,
    "move by hand": _to("share"),
    "health": _to("healthy"),
    "preview by hand": _to("preview"),
    "hooks": _hooks,
    "hook report": _hook_report,
    "swap ends": _each_site(lambda site, _: site.finish_swap()),
    "swap fails": _each_site(lambda site, _: site.fail_swap("the slot did not warm up")),
    "trouble": _to("trouble", lambda unwell: "503" if unwell else None),
}
