"""Bad days of the Kubernetes API on order: which calls fail, how, and how often."""

from dataclasses import dataclass, field
from typing import Any

STATUSES = (401, 403, 409, 429, 500, 502, 503, 504)
KINDS = (*(str(status) for status in STATUSES), "drop", "overtaken", "garbage")
"""A status; `drop`: the line breaks; `overtaken`: another writer's patch comes first; `garbage`: 200 without sense."""


@dataclass(slots=True, kw_only=True)
class Trouble:
    """One ordered kind of trouble."""

    kind: str
    left: int
    """How many more calls it meets."""
    method: str = ""
    """Meets only calls of this method; empty: of any."""
    retry_after: int | None = None
    applied: bool = False
    """The call is carried out all the same; only its answer is lost."""
    patch: list[Any] = field(default_factory=list)
    """What the other writer does."""
    manager: str = "kubectl-edit"


@dataclass(slots=True)
class Troubles:
    """The troubles in force, oldest first."""

    ordered: list[Trouble] = field(default_factory=list)

    def take(self, method: str) -> Trouble | None:
        """Return the trouble that a call meets, and count it; None when all is well."""
        for trouble in self.ordered:
            if trouble.left > 0 and trouble.method in ("", method):
                trouble.left -= 1
                return trouble
        return None
