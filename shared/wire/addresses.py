"""Names as they stand in addresses. What can be no name of ours is nobody's: the store is never asked for it."""

import re
from typing import Final

from shared.domain.names import ApplicationName, ReleaseId, RolloutId
from shared.wire.fields import SLUG

_ROLLOUT: Final = re.compile(rf"({SLUG.pattern})-[0-9a-f]{{12}}")


def application_in(text: str) -> ApplicationName | None:
    """Return the application that a part of an address names, or None when it can be no application's name."""
    return ApplicationName(text) if SLUG.fullmatch(text) else None


def rollout_in(text: str) -> RolloutId | None:
    """Return the rollout that a part of an address names, or None when it can be no rollout's id."""
    return RolloutId(text) if _ROLLOUT.fullmatch(text) else None


def release_in(text: str) -> ReleaseId | None:
    """Return the release that a part of an address names, or None when it can be no release's id."""
    return ReleaseId(text) if SLUG.fullmatch(text) else None
