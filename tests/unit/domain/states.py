"""Stories: real states, reached by folding the decisions that lead there."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Self

from shared.domain.names import CommandId, RolloutId, Version
from shared.domain.rollout.commands import (
    AcceptSpec,
    Action,
    Alert,
    ClaimEffect,
    Command,
    Deploy,
    EffectOutcome,
    Override,
    Tick,
)
from shared.domain.rollout.decide import decide
from shared.domain.rollout.draft import Decision
from shared.domain.rollout.effects import BeginSwap, SetWeight
from shared.domain.rollout.events import Event
from shared.domain.rollout.needs import needs
from shared.domain.rollout.on_tick import claimable_at, next_look, next_wake
from shared.domain.rollout.readings import Readings
from shared.domain.rollout.spec import Spec
from shared.domain.rollout.state import Application, Doing, OpenEffect, Rollout, TargetState
from tests.unit.domain.outside import Outside, Site
from tests.unit.domain.specs import NOON, SHOP, WEB, spec


def deploy(version: str, number: int = 1) -> Deploy:
    return Deploy(
        id=CommandId(f"deploy-{number}"),
        rollout=RolloutId(f"shop-{number}"),
        version=Version(version),
        source="ci",
    )


def override(action: Action | str, number: int = 90, *, step: int | None = None) -> Override:
    return Override(
        id=CommandId(f"{action}-{number}"),
        action=Action(action),
        reason="as agreed",
        by="alice",
        rollout=RolloutId(f"shop-{number}"),
        step=step,
    )


def alert(*, fired: bool = True) -> Alert:
    return Alert(
        id=CommandId("alert-1"),
        fired=fired,
        rule="errors-high",
        severity="Sev1",
        resource="/sites/shop",
        description="",
        at=NOON,
    )


class Story:
    """An application, the time, and the outside; everything that happens is decided by the rules."""

    def __init__(self, first: Spec | None = None) -> None:
        self.now: datetime = NOON
        self.outside = Outside()
        self.state = Application(name=SHOP)
        self.events: list[Event] = []
        self.archived: list[Rollout] = []
        self.opened: list[OpenEffect] = []
        if first is not None:
            self.tell(AcceptSpec(spec=first, by="team"))
            self.state = self._with_views_published()

    @property
    def live(self) -> Rollout:
        assert self.state.live is not None
        return self.state.live

    @property
    def web(self) -> TargetState:
        return self.live.targets[0]

    @property
    def site(self) -> Site:
        return self.outside.site(WEB)

    def tell(self, command: Command, readings: Readings | None = None) -> Decision:
        """Decide the command now, on what the outside shows, and take the decision in."""
        seen = self.outside.read(needs(self.state, command, self.now), self.state) if readings is None else readings
        decision = decide(self.state, command, seen, now=self.now)
        self.state = decision.state
        self.events += decision.events
        self.archived += decision.archived
        self.opened += decision.opened
        return decision

    def deploy(self, version: str = "2", number: int = 1) -> Self:
        """CI puts the version into the candidate's place and says so."""
        self.site.candidate = version
        self.tell(deploy(version, number))
        return self

    def override(self, action: Action | str, number: int = 90) -> Self:
        self.tell(override(action, number))
        return self

    def wait(self, span: timedelta) -> Self:
        self.now += span
        return self

    def tick(self) -> Self:
        """Tell that time has passed; a preflight that is ready for it looks at what was measured before at once."""
        self.tell(Tick())
        if self.goes_on_at_once():
            self.tell(Tick())
        return self

    def goes_on_at_once(self) -> bool:
        live = self.state.live
        return live is not None and live.doing is Doing.PREFLIGHT and live.is_ready and live.look_at == self.now

    def look(self) -> Self:
        """Let time pass until a tick has something to decide, and decide it."""
        at = next_look(self.state)
        assert at is not None, "nothing to wait for"
        self.now = max(self.now, at)
        return self.tick()

    def tell_nothing_more(self) -> bool:
        """Whether a few ticks at this moment find nothing more to do."""
        for _ in range(5):
            at = next_look(self.state)
            if at is None or at > self.now:
                return True
            self.tick()
        return False

    def rows(self, kind: type = SetWeight | BeginSwap) -> list[OpenEffect]:
        return [row for row in self.state.effects if isinstance(row.effect, kind)]

    def row(self, kind: type = SetWeight | BeginSwap) -> OpenEffect:
        """The one open row of this kind."""
        (row,) = self.rows(kind)
        return row

    def perform(self, row: OpenEffect) -> EffectOutcome:
        """Do what the row asks for and tell the rules how it went."""
        outcome = self.outside.do(self.state, row)
        self.tell(outcome)
        return outcome

    def settle(self) -> Self:
        """Do every effect that is due, and those that follow from it."""
        for _ in range(50):
            due = [row for row in self.state.effects if row.begun == self.now or claimable_at(row) <= self.now]
            if not due:
                return self
            if due[0].begun is None:
                self.tell(ClaimEffect(due[0].id))
            current = self.state.open_effect(due[0].id)
            if current is not None:
                self.perform(current)
        raise AssertionError("effects never end")

    def go_until(self, done: Callable[[], bool], limit: int = 4_000) -> Self:
        """Do what is due, let time pass to the next wake-up, and so on."""
        for _ in range(limit):
            self.settle()
            if done():
                return self
            at = next_look(self.state)
            if at is not None and at <= self.now:
                self.tick()
                continue
            wake = next_wake(self.state)
            assert wake is not None, "asleep for ever"
            self.now = max(self.now, wake)
            for site in self.outside.sites.values():
                site.finish_swap()
        raise AssertionError(f"not reached, but {self.state.live and self.state.live.doing}")

    def go_to(self, doing: Doing, step: int | None = None) -> Self:
        """Go on with a well outside until the live rollout is busy with this."""
        return self.go_until(lambda: self.live.doing is doing and step in (None, self.live.step))

    def go_to_end(self) -> Rollout:
        """Go on until the live rollout ends, and return it."""
        self.go_until(lambda: self.state.live is None)
        return self.archived[-1]

    def named(self, kind: type) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    def _with_views_published(self) -> Application:
        self.settle()
        return self.state


def started(first: Spec | None = None) -> Story:
    """Version 2 was just deployed beside version 1: preflight."""
    return Story(first or spec()).deploy()


def ready(story: Story) -> Story:
    """Preflight saw nothing in the way; what was measured before is read next."""
    story.tell(Tick())
    assert story.live.is_ready
    return story


def shifting(first: Spec | None = None) -> Story:
    """Preflight passed; the first weight is wanted and not there yet."""
    return started(first).tick()


def baking(first: Spec | None = None) -> Story:
    """5 % is there, and is being measured."""
    return shifting(first).settle()


def at_gate(first: Spec | None = None) -> Story:
    """5 % proved healthy; a person is asked before 50 %."""
    return baking(first).go_to(Doing.AWAITING_APPROVAL)


def swapping(first: Spec | None = None) -> Story:
    """Everything before promotion passed; the swap was decided and not begun."""
    story = at_gate(first).override("approve").go_to(Doing.BAKING, step=2)
    while story.live.doing is not Doing.SWAPPING:
        story.look()
    return story


def swap_begun(first: Spec | None = None) -> Story:
    """The platform swaps."""
    return swapping(first).settle()


def clearing(first: Spec | None = None) -> Story:
    """Production serves version 2; the traffic rule still stands."""
    story = swap_begun(first)
    story.site.finish_swap()
    return story.wait(timedelta(seconds=3)).tick()


def promoted(first: Spec | None = None) -> Story:
    """Version 2 serves everyone, and is being measured in production."""
    return clearing(first).settle()


def releasing(first: Spec | None = None) -> Story:
    """Version 2 was judged healthy in production; the router is told to hold nobody back any more."""
    story = promoted(first)
    while story.live.doing is not Doing.RELEASING:
        story.look()
    return story


def succeeded(first: Spec | None = None) -> Story:
    story = promoted(first)
    story.go_to_end()
    return story.settle()
