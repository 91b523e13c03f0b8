"""The environments that have flags, and how many approvals each asks for."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.domain.errors import InvalidError, Problem
from shared.domain.names import EnvironmentName

DEFAULT = EnvironmentName("production")


@dataclass(frozen=True, slots=True)
class FlagEnvironments:
    """As the settings have them; the first is meant where none is named."""

    approvals: Mapping[EnvironmentName, int] = field(default_factory=lambda: {DEFAULT: 0})

    def named(self, text: str | None) -> EnvironmentName:
        """Return the environment of this name, or the first. Raises `InvalidError` for one that is not there."""
        if text is None:
            return next(iter(self.approvals))
        environment = EnvironmentName(text)
        if environment not in self.approvals:
            known = ", ".join(self.approvals)
            raise InvalidError(Problem("environment", f"found {text[:60]!r}; allowed is one of {known}"))
        return environment

    def approvals_in(self, environment: EnvironmentName) -> int:
        """Return how many people beside the author want a change before it is made."""
        return self.approvals.get(environment, 0)
