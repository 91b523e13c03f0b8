"""A flag, the time, and people who change it: everything that happens is decided by the rules."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.domain.errors import Problem
from shared.domain.flags.managing import events as e
from shared.domain.flags.managing.commands import (
    NEW,
    Approve,
    Archive,
    Drive,
    Expected,
    FlagCommand,
    Kill,
    Lapse,
    Published,
    Release,
    Revive,
    SaveFlag,
    ScheduleChange,
)
from shared.domain.flags.managing.decide import FlagDecision, decide
from shared.domain.flags.managing.evolve import evolve
from shared.domain.flags.managing.state import FlagState
from shared.domain.flags.model import (
    EVERYBODY,
    Attribute,
    Clause,
    Flag,
    FlagType,
    Operator,
    Rule,
    Variant,
)
from shared.domain.names import FlagKey, RolloutId, VariantName

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
KEY = FlagKey("new-checkout")
ON, OFF = VariantName("on"), VariantName("off")
ROLLOUT = RolloutId("shop-0123456789ab")
STAFF = Rule(
    id="staff",
    condition=Clause(attribute=Attribute(("email",)), operator=Operator.ENDS_WITH, values=("@shop.example",)),
    serve=ON,
)
EVERYONE = Rule(id="everyone", condition=EVERYBODY, serve=OFF)


def flag(**changes: Any) -> Flag:
    plain = Flag(
        key=KEY,
        type=FlagType.BOOLEAN,
        variants=(Variant(ON, True), Variant(OFF, False)),
        default=OFF,
        off=OFF,
        rules=(STAFF, EVERYONE),
    )
    return replace(plain, **changes)


class Tale:
    """Tells commands to one flag."""

    def __init__(self, approvals: int = 0, *, saved: bool = True) -> None:
        self.now = NOON
        self.approvals = 0
        self.distributes = False
        self.state = FlagState(key=KEY)
        self.events: list[e.FlagEvent] = []
        self.wrong: list[Problem] = []
        self.count = 0
        if saved:
            self.save(flag(), expected=NEW)
            self.publish()
        self.approvals = approvals

    def check(self, _flag: Flag) -> Sequence[Problem]:
        return tuple(self.wrong)

    def tell(self, command: FlagCommand) -> FlagDecision:
        before = self.state
        decision = decide(
            before, command, now=self.now, approvals=self.approvals, check=self.check, distributes=self.distributes
        )
        folded = before
        for event in decision.events:
            folded = evolve(folded, event)
        rows: dict[str, Any] = {"effects": (), "distributing": (), "effects_made": 0}
        assert replace(folded, **rows) == replace(decision.state, **rows), "state is the fold of its events"
        self.state = decision.state
        self.events += decision.events
        return decision

    def save(self, wanted: Flag, by: str = "alice", expected: Expected | None = None, **more: Any) -> FlagDecision:
        self.count += 1
        read = self.state.revision if expected is None else expected
        return self.tell(SaveFlag(flag=wanted, by=by, why="as agreed", expected=read, id=f"c{self.count}", **more))

    def schedule(self, wanted: Flag, after: timedelta = HOUR, by: str = "alice", change: str = "later") -> FlagDecision:
        return self.tell(
            ScheduleChange(
                flag=wanted, by=by, why="the sale", at=self.now + after, expected=self.state.revision, id=change
            )
        )

    def approve(self, by: str) -> FlagDecision:
        assert self.state.proposal is not None
        return self.tell(Approve(proposal=self.state.proposal.id, by=by))

    def archive(self, by: str = "alice") -> FlagDecision:
        self.count += 1
        return self.tell(Archive(by=by, why="done", expected=self.state.revision, id=f"c{self.count}"))

    def drive(self, weight: int, rule: str | None = "everyone", rollout: RolloutId = ROLLOUT) -> FlagDecision:
        return self.tell(Drive(rollout=rollout, rule=rule, candidate=ON, stable=OFF, weight=weight))

    def release(self) -> FlagDecision:
        return self.tell(Release(rollout=ROLLOUT))

    def kill(self) -> FlagDecision:
        return self.tell(Kill(by="bob", why="it hurts"))

    def revive(self) -> FlagDecision:
        return self.tell(Revive(by="bob", why="it was something else"))

    def publish(self) -> FlagDecision:
        return self.tell(Published(self.state.effects))

    def pass_time(self, span: timedelta = HOUR) -> FlagDecision:
        self.now += span
        return self.tell(Lapse())

    def happened(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def flag(self) -> Flag:
        assert self.state.flag is not None
        return self.state.flag
