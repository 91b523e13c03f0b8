"""What a flag answers to who asks."""

from dataclasses import dataclass
from enum import StrEnum

from shared.domain.flags.model import Json, Metadatum
from shared.domain.names import FlagKey, VariantName


class Reason(StrEnum):
    """Why a flag served what it did."""

    KILLED = "killed"
    """The kill switch."""
    OFF = "off"
    """Not enabled, here or in this region."""
    OUTSIDE_SCHEDULE = "outside-schedule"
    PREREQUISITE = "prerequisite"
    """A prerequisite is not met; `because` names it."""
    TARGET = "target"
    """An individual target."""
    RULE = "rule"
    """A rule that serves one variant; `because` is its id."""
    SPLIT = "split"
    """A percentage, of a rule (`because` is its id) or of the default."""
    STATIC = "static"
    """A flag without any rule, target, prerequisite, schedule or region: everybody gets the same."""
    DEFAULT = "default"
    """Nothing above the default met the context."""
    ERROR = "error"
    """It could not be evaluated: the off variant; `because` says why."""


class ErrorCode(StrEnum):
    """Why a flag could not be evaluated, in OpenFeature's words."""

    FLAG_NOT_FOUND = "FLAG_NOT_FOUND"
    TARGETING_KEY_MISSING = "TARGETING_KEY_MISSING"
    PARSE_ERROR = "PARSE_ERROR"
    """The flag itself is broken."""
    GENERAL = "GENERAL"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One answer. Made once when a flag is compiled and shared by all who get it: never change a value."""

    flag: FlagKey
    variant: VariantName
    value: Json
    reason: Reason
    because: str = ""
    error: ErrorCode | None = None
    metadata: tuple[tuple[str, Metadatum], ...] = ()
    """What the flag's owner wants to have told with it."""
