"""Where a rollout is: its phase, what it is busy with, and which version a production place serves."""

from enum import StrEnum


class Phase(StrEnum):
    """Where a rollout is in its life."""

    PENDING = "pending"
    PROGRESSING = "progressing"
    WAITING = "waiting"
    PAUSED = "paused"
    PROMOTING = "promoting"
    ROLLING_BACK = "rolling-back"
    SUCCEEDED = "succeeded"
    ROLLED_BACK = "rolled-back"
    ABORTED = "aborted"
    FAILED = "failed"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing will ever happen in this phase."""
        return self in TERMINAL


TERMINAL = frozenset({Phase.SUCCEEDED, Phase.ROLLED_BACK, Phase.ABORTED, Phase.FAILED})


class Doing(StrEnum):
    """What a rollout is busy with inside its phase."""

    QUEUING = "waiting its turn"
    PREFLIGHT = "preflight"
    PREPARING = "putting production's settings on the slot"
    SHIFTING = "shifting traffic"
    BAKING = "baking"
    AWAITING_APPROVAL = "awaiting approval"
    DECIDING = "awaiting a decision"
    RUNNING_HOOK = "running a hook"
    AWAITING_RELEASE = "awaiting the release"
    SWAPPING = "swapping"
    CLEARING = "clearing the traffic rule"
    RELEASING = "ending the promotion"
    ZEROING = "taking traffic back"
    SWAPPING_BACK = "swapping back"
    SETTLING = "letting begun calls end"
    NOTHING = "nothing"


class Side(StrEnum):
    """Which version the production place serves."""

    STABLE = "stable"
    CANDIDATE = "candidate"
