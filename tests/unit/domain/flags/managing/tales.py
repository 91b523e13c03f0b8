"""Whole lives of flags and segments, of which golden files are made: every event happens in one of them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from shared.domain.flags.managing.commands import (
    NEW,
    CancelScheduled,
    Distribute,
    Distributed,
    Drive,
    NotDistributed,
    Published,
    Reject,
    Revive,
    Undistributed,
)
from shared.domain.flags.managing.segments import (
    DeleteSegment,
    SaveSegment,
    SegmentCommand,
    SegmentEvent,
    SegmentState,
    decide_segment,
)
from shared.domain.flags.model import (
    All,
    AnyOf,
    Attribute,
    Clause,
    During,
    Flag,
    InLayer,
    InSegment,
    Members,
    Not,
    Operator,
    Prerequisite,
    Recurrence,
    RegionOverride,
    Rule,
    Segment,
    SegmentRule,
    Share,
    Split,
    Target,
)
from shared.domain.names import EffectId, FlagKey, SegmentKey
from tests.unit.domain.flags.managing.tale import EVERYONE, HOUR, NOON, OFF, ON, ROLLOUT, STAFF, Tale, flag

BETA = SegmentKey("beta")
SEGMENT = Segment(
    key=BETA,
    included=(Members(("ann",)),),
    excluded=(Members(("zoe",), by=Attribute(("name",), kind="user")),),
    rules=(
        SegmentRule(
            condition=Clause(attribute=Attribute(("plan",)), operator=Operator.IN, values=("gold", 1, True)),
            share=Split(shares=(Share(ON, 20_000), Share(None, 80_000)), seed="beta"),
        ),
    ),
    description="Who tries things first",
)


def everything() -> Flag:
    """A flag with a value in every field, and every kind of condition."""
    window = During(
        since=NOON,
        until=NOON + 8 * HOUR,
        recurrence=Recurrence(every=2, weekdays=(0, 4), times=10, offset=timedelta(hours=2)),
    )
    condition = All(
        (
            AnyOf((InSegment((BETA,)), Not(InLayer(layer="checkout", since=0, until=50_000)))),
            window,
            Clause(attribute=Attribute(("company", "size")), operator=Operator.AT_LEAST, values=(10,), negated=True),
        )
    )
    return flag(
        schedule=During(since=NOON),
        prerequisites=(Prerequisite(FlagKey("new-shop"), (ON,)),),
        targets=(Target(variant=ON, values=("ann", "bob")),),
        rules=(Rule(id="beta", condition=condition, serve=ON, description="those who asked"), STAFF, EVERYONE),
        regions=(("westeurope", RegionOverride(enabled=False, default=ON)),),
        description="The checkout in one page",
        owner="shop",
        tags=("checkout",),
        expires=datetime(2027, 3, 1, tzinfo=UTC),
    )


def driven_killed_and_archived() -> Tale:
    """A flag that a rollout drives, that is killed meanwhile, revived, and archived in the end."""
    tale = Tale()
    tale.save(everything())
    tale.drive(5_000)
    tale.kill()
    tale.publish()
    tale.tell(Revive(by="bob", why="mended"))
    tale.drive(100_000)
    tale.release()
    tale.schedule(replace(tale.flag, owner="search"))
    tale.archive()
    tale.publish()
    return tale


def driven_and_taken_back() -> Tale:
    """A flag that a rollout takes back to one variant, and that remembers how its split divided users."""
    tale = Tale()
    tale.save(flag(default=Split(shares=(Share(ON, 1), Share(OFF, 99_999)), seed="s", by=Attribute(("company",)))))
    tale.drive(0, None)
    tale.release()
    return tale


def never_driven() -> Tale:
    """A flag that a rollout lets go of before it has driven it: it is not to begin that any more."""
    tale = Tale()
    tale.save(flag())
    tale.release()
    return tale


def approved_and_scheduled() -> Tale:
    """Changes that are proposed, replaced, rejected, approved, scheduled, cancelled and refused."""
    tale = Tale(approvals=1)
    tale.save(everything())
    tale.save(flag(enabled=False), by="carol")
    tale.approve("bob")
    tale.save(flag(enabled=False, owner="search"))
    waiting = tale.state.proposal
    assert waiting is not None
    tale.tell(Reject(proposal=waiting.id, by="bob", why="not yet"))
    for number in range(2):
        tale.schedule(flag(enabled=False, default=ON, tags=(f"{number}",)), change=f"later-{number}")
        tale.approve("bob")
    tale.tell(CancelScheduled(id="later-1", by="alice", why="once is enough"))
    tale.approvals = 0
    tale.save(flag(enabled=False, default=Split(shares=(Share(ON, 1), Share(OFF, 99_999)), seed="s")))
    tale.pass_time()
    tale.schedule(flag(enabled=True), change="last")
    tale.approvals = 1
    tale.save(flag(owner="x"))
    return tale


def distributed() -> Tale:
    """A flag that is brought to a product outside: well, badly, once more, and not any more."""
    tale = Tale(saved=False)
    tale.distributes = True
    tale.save(everything(), expected=NEW)
    tale.publish()
    tale.tell(NotDistributed(why="App Configuration shop.azconfig.io: HTTP 503", after_seconds=40.0))
    tale.tell(Distributed(notes=("not carried: the field owner",)))
    tale.tell(Undistributed())
    tale.tell(Distribute())
    tale.tell(Distributed(notes=("not carried: the field owner",)))
    tale.kill()
    tale.tell(NotDistributed(why="App Configuration shop.azconfig.io: HTTP 503"))
    return tale


def region_driven_and_taken_back() -> Tale:
    """A region without a default of its own, which has none again when the rollout is taken back."""
    tale = Tale()
    for weight in (5_000, 0):
        tale.tell(Drive(rollout=ROLLOUT, rule=None, region="eu", candidate=ON, stable=OFF, weight=weight))
    tale.release()
    return tale


TALES: dict[str, Callable[[], Tale]] = {
    "driven-killed-and-archived": driven_killed_and_archived,
    "driven-and-taken-back": driven_and_taken_back,
    "region-driven-and-taken-back": region_driven_and_taken_back,
    "approved-and-scheduled": approved_and_scheduled,
    "distributed": distributed,
    "never-driven": never_driven,
}


def life_of_a_segment() -> tuple[SegmentState, tuple[SegmentEvent, ...]]:
    """A segment that is saved and deleted, with all that happened."""
    state, events = SegmentState(key=BETA), tuple[SegmentEvent, ...]()
    commands: tuple[SegmentCommand, ...] = (
        SaveSegment(segment=SEGMENT, by="alice", why="first", expected=NEW),
        Published((EffectId("0000000001"),)),
        DeleteSegment(by="bob", why="done", expected=1, used_by=()),
        SaveSegment(segment=SEGMENT, by="alice", why="again", expected=NEW, restored=1),
    )
    for command in commands:
        decision = decide_segment(state, command, now=NOON)
        state, events = decision.state, (*events, *decision.events)
    return state, events
