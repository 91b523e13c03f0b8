"""What is to be done outside. Data only: `shared.application.perform` runs them.

Effects that set a level carry no level: whoever performs one reads the wanted level from the store just before,
so the last decision wins however late or often an effect runs.
"""

from dataclasses import dataclass

from shared.domain.names import ReleaseId, RolloutId, TargetName
from shared.domain.rollout.membership import Report
from shared.domain.rollout.spec import Notification, Topic
from shared.domain.rollout.weight import Weight


@dataclass(frozen=True, slots=True)
class SetWeight:
    """Make the target's router send the wanted share to the candidate place."""

    rollout: RolloutId
    target: TargetName


@dataclass(frozen=True, slots=True)
class SetAudience:
    """Make the target's router send the wanted marked requests, and no others, to the candidate place."""

    rollout: RolloutId
    target: TargetName


@dataclass(frozen=True, slots=True)
class SetPreview:
    """Make the target's candidate place hold production's settings, or its own again, as is wanted."""

    rollout: RolloutId
    target: TargetName


@dataclass(frozen=True, slots=True)
class BeginSwap:
    """Make the target's production place serve the wanted side."""

    rollout: RolloutId
    target: TargetName


@dataclass(frozen=True, slots=True)
class Notify:
    """Tell a webhook what happened."""

    notification: Notification
    topic: Topic
    rollout: RolloutId | None
    text: str


@dataclass(frozen=True, slots=True)
class PublishViews:
    """Bring the list views and look-up rows of this application up to date."""


@dataclass(frozen=True, slots=True)
class CallHook:
    """Make a hook's call, or find the one that was made."""

    call_id: str


@dataclass(frozen=True, slots=True)
class TellRelease:
    """Tell the release that the rollout is a part of how it stands."""

    release: ReleaseId
    report: Report


@dataclass(frozen=True, slots=True)
class PinTraffic:
    """Make the target hold a new version back before it is announced, or find out why it does not."""

    target: TargetName


@dataclass(frozen=True, slots=True)
class LetGo:
    """Let others write what the rollout has moved at this target."""

    rollout: RolloutId
    target: TargetName
    resource: str
    share: Weight | None = None
    """The candidate's share that the rollout ended at: a late write that landed meanwhile leaves no other behind."""


LevelEffect = SetWeight | SetAudience | SetPreview | BeginSwap
Effect = LevelEffect | CallHook | LetGo | Notify | PinTraffic | PublishViews | TellRelease
