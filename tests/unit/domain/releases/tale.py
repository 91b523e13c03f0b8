"""Releases of several applications, as tales: everything that happens is decided by the rules."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from shared.domain.names import ApplicationName, CommandId, ReleaseId, RolloutId, Version
from shared.domain.releases import events as e
from shared.domain.releases.commands import (
    AcceptedByRelease,
    BeginRelease,
    CommandGiven,
    Lapse,
    MemberReported,
    ReleaseAction,
    ReleaseCommand,
    ReleaseOverride,
    RowDone,
)
from shared.domain.releases.decide import ReleaseDecision, decide
from shared.domain.releases.evolve import evolve
from shared.domain.releases.state import OpenRow, Part, Release
from shared.domain.rollout.membership import Report, Stage, Standing

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
NAMES = ("db", "api", "web")


def begin(*names: str) -> BeginRelease:
    parts = tuple(
        Part(application=ApplicationName(name), version=Version("2"), rollout=RolloutId(f"{name}-1"))
        for name in names or NAMES
    )
    return BeginRelease(id=CommandId("begin"), name="autumn", by="alice", parts=parts, patience=HOUR)


def override(action: ReleaseAction) -> ReleaseOverride:
    return ReleaseOverride(id=CommandId(f"o-{action}"), action=action, reason="as agreed", by="alice")


class Tale:
    """A release and the time; everything that happens is decided by the rules."""

    def __init__(self, *names: str) -> None:
        self.now = NOON
        self.state = Release(id=ReleaseId("autumn"))
        self.events: list[e.ReleaseEvent] = []
        self.accepted: list[AcceptedByRelease] = []
        self.opened: list[OpenRow] = []
        self.heard = 0
        self.tell(begin(*names))
        self.give()

    def tell(self, command: ReleaseCommand) -> ReleaseDecision:
        before = self.state
        decision = decide(before, command, now=self.now)
        folded = before
        for event in decision.events:
            folded = evolve(folded, event)
        rows = {"commands": (), "tidings": (), "listings": (), "rows_made": 0}
        assert replace(folded, **rows) == replace(decision.state, **rows), "state is the fold of its events"
        assert decide(decision.state, CommandGiven("none"), now=self.now).events == (), "nothing is left to decide"
        self.state = decision.state
        self.events += decision.events
        self.opened += decision.opened
        if isinstance(command, AcceptedByRelease):
            self.accepted.append(command)
        return decision

    def report(self, name: str, standing: Standing, **fields) -> ReleaseDecision:
        self.heard += 1
        known = {"sequence": self.heard, "reason": f"{name} said so", **fields}
        rollout = RolloutId(f"{name}-1")
        report = Report(application=ApplicationName(name), rollout=rollout, standing=standing, **known)
        return self.tell(MemberReported(id=CommandId(f"r-{self.heard}"), report=report))

    def wait_at(self, stage: int, *names: str) -> "Tale":
        for name in names or NAMES:
            self.report(name, Standing.WAITING, stage=Stage(stage))
        return self

    def give(self) -> list[str]:
        """Hand over what is to be handed over; return to whom."""
        told = [row.application for row in self.state.commands]
        for row in self.state.commands:
            self.tell(CommandGiven(row.id))
        return told

    def news(self) -> list[tuple[str, str]]:
        """Hand over what people are to be told; return it, with its topics."""
        said = [(str(row.topic), row.text) for row in self.state.tidings]
        for row in self.state.tidings:
            self.tell(RowDone(row.id))
        return said

    def pass_time(self, span: timedelta) -> "Tale":
        self.now += span
        self.tell(Lapse())
        return self

    def standing(self, name: str) -> Standing:
        member = self.state.member(ApplicationName(name))
        assert member is not None
        return member.standing

    def happened(self, kind: type) -> list:
        return [event for event in self.events if isinstance(event, kind)]

    def asked_back(self) -> list[str]:
        return [event.application for event in self.happened(e.MemberAskedBack)]
