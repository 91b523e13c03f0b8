"""The aggregate of one flag in one environment: the flag, its revision, and all that waits to change it."""

from dataclasses import dataclass
from datetime import datetime

from shared.domain.flags.model import Attribute, Flag, Hashing
from shared.domain.names import EffectId, FlagKey, RolloutId, VariantName, Version

SCHEDULED_AT_MOST = 5
"""Changes that may wait for their time at once: the aggregate holds a whole flag for each."""


LET_GO_AT_MOST = 10
"""So many rollouts are remembered that have let go of the flag: a late write of one of them begins nothing anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """The rollout that moves one split: of a rule, a region, or the default. Nobody else writes that meanwhile."""

    rollout: RolloutId
    rule: str | None
    """The rule's id; None: a default."""
    region: str | None = None
    """Where it is the default of a region; None: the flag's own."""
    candidate: VariantName
    stable: VariantName
    version: Version | None = None
    """The version that the candidate is rolled out as; None: the variant's own name."""
    inherited: bool = False
    """Whether the region had no default of its own when it began: then it has none after a way back either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledOut:
    """What the last rollout that gave somebody else's place to a variant did to one split, so that it can return."""

    rule: str | None
    region: str | None
    variant: VariantName
    version: Version | None
    """What the variant was rolled out as."""
    replaced: VariantName
    """Whose place it took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DividedBy:
    """How users were divided by a split that a rollout left as one variant: the next one divides them alike."""

    rule: str | None
    region: str | None
    seed: str
    by: Attribute
    hashing: Hashing
    first: VariantName | None = None
    """The variant that stood first on the line."""


@dataclass(frozen=True, slots=True)
class Approval:
    """Somebody who is not the author wants the change too."""

    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A change that waits for approvals. One at most: another one takes its place, and begins without approvals."""

    id: str
    by: str
    why: str
    at: datetime
    revision: int
    """The revision of the flag that it was made against."""
    fields: tuple[str, ...]
    """What it changes, by the names of the flag's fields."""
    flag: Flag | None
    """The flag as it would be; None: archived."""
    effective: datetime | None = None
    """When it is to happen once it is approved; None: at once."""
    restored: int | None = None
    """The revision that it brings back, if it does."""
    approvals: tuple[Approval, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledChange:
    """A change that waits for its time. Of `flag` only `fields` are taken then: what others changed beside them stays.

    Where one of them was changed since `revision` it is refused, with a line in the history; what the earlier changes
    made of the flag that it was accepted on top of is no such change.
    """

    id: str
    by: str
    why: str
    made: datetime
    at: datetime
    revision: int
    fields: tuple[str, ...]
    flag: Flag
    follows: tuple[str, ...] = ()
    """The changes that already waited, for earlier times, when this one was accepted: it was made on top of them."""
    foreseen: tuple[int, ...] = ()
    """The revisions that those came to, as far as their times have come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """How the flag stands in the product outside whose SDKs are to serve it as we do."""

    revision: int = 0
    """The revision that was brought there last; 0: none yet."""
    at: datetime | None = None
    """When that was."""
    notes: tuple[str, ...] = ()
    """What of it could not be carried."""
    attempts: int = 0
    """How often in a row it could not be brought there."""
    error: str = ""
    """Why not, the last time; empty where it went well."""
    since: datetime | None = None
    """Since when it fails."""
    again: datetime | None = None
    """It is not tried before this; None: at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagState:
    """All that is decided about one flag, loaded and committed as one."""

    key: FlagKey
    flag: Flag | None = None
    """None before it was ever saved. An archived flag is kept here and served to nobody."""
    revision: int = 0
    """Rises by one with each change of the flag; 0: there never was one."""
    touched: tuple[tuple[str, int], ...] = ()
    """The fields that were ever changed, each with the revision in which it was last."""
    drivers: tuple[Driver, ...] = ()
    """At most one of each split."""
    rolled_out: tuple[RolledOut, ...] = ()
    """At most one of each split."""
    divided_by: tuple[DividedBy, ...] = ()
    """At most one of each split."""
    let_go: tuple[RolloutId, ...] = ()
    """The rollouts that drove the flag and do not any more, the last ones."""
    killed_by: str = ""
    killed_because: str = ""
    """Who killed the flag, and why, while it is killed."""
    proposal: Proposal | None = None
    scheduled: tuple[ScheduledChange, ...] = ()
    """In the order of their times."""
    archived: bool = False
    changed: datetime | None = None
    changed_by: str = ""
    sequence: int = 0
    effects_made: int = 0
    effects: tuple[EffectId, ...] = ()
    """Outbox rows: what is served is to be brought up to this state."""
    distributing: tuple[EffectId, ...] = ()
    """Outbox rows: where the environment distributes its flags to is to be brought up to this state too."""
    distribution: Distribution | None = None
    """None where this flag was never brought anywhere else."""

    @property
    def live(self) -> Flag | None:
        """The flag as it is to be served, or None."""
        return None if self.archived else self.flag

    def driver_of(self, rule: str | None, region: str | None = None) -> Driver | None:
        """Return who drives a split, or None."""
        return next((each for each in self.drivers if (each.rule, each.region) == (rule, region)), None)

    def rolled_out_in(self, rule: str | None, region: str | None) -> RolledOut | None:
        """Return what the last rollout that succeeded did to a split, or None."""
        return next((each for each in self.rolled_out if (each.rule, each.region) == (rule, region)), None)

    def divided_by_in(self, rule: str | None, region: str | None) -> DividedBy | None:
        """Return how the last rollout that left one variant in a split had divided users, or None."""
        return next((each for each in self.divided_by if (each.rule, each.region) == (rule, region)), None)

    def change(self, change_id: str) -> ScheduledChange | None:
        """Return the scheduled change of this id, or None."""
        return next((change for change in self.scheduled if change.id == change_id), None)

    def changes_until(self, at: datetime) -> tuple[ScheduledChange, ...]:
        """Return the changes that wait for a time that is no later, in the order in which they are to happen."""
        return tuple(change for change in self.scheduled if change.at <= at)

    def touched_in(self, field: str) -> int:
        """Return the revision in which a field was last changed."""
        return dict(self.touched).get(field, 0)
