"""Why a context gets what it gets: every question that was asked, with what was found."""

from dataclasses import dataclass
from enum import StrEnum

from shared.domain.flags.evaluation import Evaluation
from shared.domain.flags.model import Json


class Asked(StrEnum):
    """What a question was about."""

    KILL_SWITCH = "kill-switch"
    """True: it is on, and the flag is off."""
    ENABLED = "enabled"
    """True: the flag is on, in the region too."""
    SOUND = "sound"
    """False: the flag is broken; `words` says how. Asked only where it is."""
    SCHEDULE = "schedule"
    PREREQUISITE = "prerequisite"
    TARGET = "target"
    RULE = "rule"
    """True: its condition holds and it serves something."""
    DEFAULT = "default"
    SPLIT = "split"
    """True: the user's share has a variant; `place` says where the user stands."""
    CLAUSE = "clause"
    SEGMENT = "segment"
    LAYER = "layer"
    WINDOW = "window"
    ALL = "all"
    ANY = "any"
    NOT = "not"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One question and its answer."""

    asked: Asked
    path: str
    """The field of the flag's document, or of the segment's where a segment is asked."""
    outcome: bool
    found: Json = None
    """What the context has: of a clause, a target, a layer or a split."""
    place: float | None = None
    """Where the user stands on the line of a split or in a layer, in 1/100,000."""
    words: str = ""
    """What it concerns: a variant, the id of a rule, the key of a flag or a segment, or what is wrong."""
    steps: tuple["Step", ...] = ()
    """The questions that this one came from."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a context gets of a flag, and why: the questions in the order in which they were asked."""

    evaluation: Evaluation
    steps: tuple[Step, ...]
