"""A feature flag as its owner wrote it: who gets which variant, in the order in which that is asked.

A flag is asked in this order, and the first answer stands:

1. the kill switch, or a flag that is not enabled, or one that its region turned off: the off variant;
2. outside the flag's schedule: the off variant;
3. a prerequisite that is not met: the off variant;
4. the individual targets, in their order;
5. the rules, in their order: the first whose condition holds. A rule whose split passes a user on goes to the next;
6. the default of the region, where it has one, else the flag's default.

An attribute that a context does not have, or has as null, makes a clause false, also a negated one: nothing is known
about that user.
The model is a superset of what LaunchDarkly, flagd and Microsoft's feature management can say, so that each of them can
be imported; where they differ in how they put users into buckets, the split says whose way is kept.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from shared.domain.names import FlagKey, SegmentKey, VariantName

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""A value as JSON has it."""

WHOLE = 100_000
"""A weight of everybody: weights are given in 1/100,000."""
TARGETING_KEY = "targetingKey"
"""The attribute that names who asks, as OpenFeature calls it."""
REGION = "region"
"""The attribute that names where somebody asks from; where a context has none, the region of the app that answers."""


class FlagType(StrEnum):
    """What the values of all variants of a flag are."""

    BOOLEAN = "boolean"
    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    OBJECT = "object"
    """Any JSON object or array."""


class Operator(StrEnum):
    """How an attribute is compared with the values of a clause: any of them that fits makes the clause true.

    An attribute that is a list is true where any of its elements is. Nothing is converted to fit, but where a line
    says so: a number is never equal to a text.
    """

    IN = "in"
    """Equal, of the same JSON type (numbers by value)."""
    STARTS_WITH = "starts-with"
    ENDS_WITH = "ends-with"
    CONTAINS = "contains"
    MATCHES = "matches"
    """A regular expression is found somewhere in the text, in RE2's syntax: linear in time, so it cannot hang."""
    EQUAL = "="
    """Equal as numbers; texts that read as numbers count as those, here and in the next four."""
    LESS = "<"
    AT_MOST = "<="
    GREATER = ">"
    AT_LEAST = ">="
    BEFORE = "before"
    """Earlier: RFC 3339 texts, or numbers as milliseconds since 1970."""
    AFTER = "after"
    SEMVER_EQUAL = "semver="
    """Semantic version 2.0 precedence; `2` and `2.1` count as `2.0.0` and `2.1.0`."""
    SEMVER_LESS = "semver<"
    SEMVER_AT_MOST = "semver<="
    SEMVER_GREATER = "semver>"
    SEMVER_AT_LEAST = "semver>="
    IN_NETWORK = "in-network"
    """An IP address, of version 4 or 6, that lies in a network such as `10.0.0.0/8`, or is the one address named."""
    IS_SET = "is-set"
    """The context has the attribute and it is not null; takes no values. Negated it is true where it is missing."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """Where in a context something is found."""

    path: tuple[str, ...]
    """One name for most; several lead into nested objects."""
    kind: str | None = None
    """Looks only into the part of the context of this kind (LaunchDarkly's `user`, `organisation`...), and makes a
    clause false where the context has no such part. None: the whole context as it came."""


BY_KEY = Attribute((TARGETING_KEY,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One comparison."""

    attribute: Attribute
    operator: Operator
    values: tuple[Json, ...] = ()
    negated: bool = False
    ignores_case: bool = False
    """For texts: of `in`, `starts-with`, `ends-with`, `contains` and `matches`."""
    strict: bool = False
    """Of `=`, `<`, `<=`, `>` and `>=`: a text that reads as a number is none, as LaunchDarkly has it."""
    lenient: bool = False
    """Of those of semantic versions: `v2.1` is one too, and a number is the version that it is written as, as flagd
    has it."""


@dataclass(frozen=True, slots=True)
class InSegment:
    """The context is in one of these segments."""

    segments: tuple[SegmentKey, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InLayer:
    """The context has its place in a part of a layer. Flags that take parts of one layer that do not overlap never meet
    in one user, which is how experiments are kept from disturbing each other."""

    layer: str
    """The name of the layer: it is the seed too, so that every flag of the layer divides users in the same way."""
    since: int
    """In 1/100,000."""
    until: int
    """In 1/100,000; not part of it any more."""
    by: Attribute = BY_KEY


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """How a time window comes again, as a calendar's invitation does."""

    every: int
    """1: each day (or week), 2: each second one..."""
    weekdays: tuple[int, ...] = ()
    """Monday is 0. Empty: it recurs by days, at the time of day of the first one."""
    first_weekday: int = 6
    """On which weekday a week begins, which matters where `every` is above 1."""
    times: int | None = None
    """How often it happens in all; None: no limit."""
    ends: datetime | None = None
    """No occurrence begins after this."""
    offset: timedelta = timedelta()
    """The offset from UTC in which days and weekdays are meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class During:
    """The time is in a window. It begins at `since` (counted in) and ends at `until` (not counted in)."""

    since: datetime | None = None
    until: datetime | None = None
    recurrence: Recurrence | None = None
    """With one, both ends are given and name the first occurrence."""


@dataclass(frozen=True, slots=True)
class All:
    """Each of them holds; with none, everybody."""

    conditions: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of them holds; with none, nobody."""

    conditions: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """It does not hold: plainly so, also where an attribute is missing."""

    condition: "Condition"


Condition = Clause | InSegment | InLayer | During | All | AnyOf | Not
EVERYBODY = All(())


class Hashing(StrEnum):
    """Whose way puts users into buckets. What was imported keeps its own, so that nobody changes sides by the move."""

    SLIPWAY = "slipway"
    """The first 8 bytes of SHA-1 of `<seed>/<value>`, as a fraction of 2^64."""
    LAUNCHDARKLY = "launchdarkly"
    MICROSOFT = "microsoft"
    FLAGD_1 = "flagd-1"
    FLAGD_2 = "flagd-2"
    FLAGD_3 = "flagd-3"


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a split."""

    variant: VariantName | None
    """None: these users are passed on to what stands below the rule."""
    weight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A percentage rollout. The shares stand one after the other on a line that each user has one fixed place on.

    The variant that is rolled out stands first: while its weight grows nobody who has it loses it.
    """

    shares: tuple[Share, ...]
    """Weights of our own documents sum to `WHOLE`; imported ones to whatever theirs do. A place beyond the last share
    belongs to the last."""
    seed: str
    by: Attribute = BY_KEY
    hashing: Hashing = Hashing.SLIPWAY


Serve = VariantName | Split


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Individuals by name."""

    variant: VariantName
    values: tuple[str, ...]
    by: Attribute = BY_KEY


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Who meets the condition gets this."""

    id: str
    condition: Condition
    serve: Serve
    description: str = ""


@dataclass(frozen=True, slots=True)
class Prerequisite:
    """Another flag has to serve one of these variants, and be on itself."""

    flag: FlagKey
    variants: tuple[VariantName, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionOverride:
    """What one region does otherwise."""

    enabled: bool | None = None
    """False turns the flag off there, True turns it on where the flag is off everywhere else. The kill switch stands
    above both."""
    default: Serve | None = None


@dataclass(frozen=True, slots=True)
class Variant:
    """One of the values that a flag can have."""

    name: VariantName
    value: Json
    """Of the flag's type; null stands for what the application's code has as its own default."""


Metadatum: TypeAlias = bool | int | float | str
"""What can be told beside a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A flag of one environment."""

    key: FlagKey
    type: FlagType
    variants: tuple[Variant, ...]
    default: Serve
    """What is served to who meets no target and no rule."""
    off: VariantName
    enabled: bool = True
    killed: bool = False
    """The kill switch: above everything, a rollout of the flag included."""
    schedule: During | None = None
    prerequisites: tuple[Prerequisite, ...] = ()
    targets: tuple[Target, ...] = ()
    rules: tuple[Rule, ...] = ()
    regions: tuple[tuple[str, RegionOverride], ...] = ()
    description: str = ""
    owner: str = ""
    tags: tuple[str, ...] = ()
    expires: datetime | None = None
    """When its owner wants to have it gone from the code; it goes on serving, and is listed as stale."""
    metadata: tuple[tuple[str, Metadatum], ...] = ()
    """What is told to who evaluates the flag, beside its value; nothing here asks for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRule:
    """Who meets the condition is in the segment, or the given share of them is."""

    condition: Condition
    share: Split | None = None
    """A split of one share with a variant and one without: who gets the first is in. None: all of them."""


@dataclass(frozen=True, slots=True)
class Members:
    """Individuals by name."""

    values: tuple[str, ...]
    by: Attribute = BY_KEY


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A group of users that several flags share. Who is included is in, who is excluded is out, else the rules say."""

    key: SegmentKey
    included: tuple[Members, ...] = ()
    excluded: tuple[Members, ...] = ()
    rules: tuple[SegmentRule, ...] = ()
    description: str = ""
