"""One thing that is wrong with a flag, and whether the flag can be served in spite of it."""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.domain.errors import Problem
from shared.domain.flags.model import Attribute


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem. Its path names the field as in the flag's own document."""

    path: str
    message: str
    breaks: bool = True
    """Whether a flag that has it cannot be served. Every finding is refused when a flag is saved."""

    @property
    def problem(self) -> Problem:
        """What the author is told."""
        return Problem(self.path, self.message)


def attribute_findings(attribute: Attribute, path: str) -> Iterator[Finding]:
    """Return what is wrong with an attribute."""
    if not any(attribute.path):
        yield Finding(path, "names nothing; allowed is the name of an attribute, or a path of names")
