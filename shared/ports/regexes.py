"""Regular expressions, as a port: those of flags come from outside, and must not be able to hang a worker."""

from collections.abc import Callable
from typing import Protocol


class Regexes(Protocol):
    """Makes searches that take time in proportion to the text, whatever the pattern is."""

    def __call__(self, pattern: str) -> Callable[[str], bool]:
        """Return the search of a pattern: whether it is found somewhere in a text.

        Raises ValueError that says why, when the pattern is none in RE2's syntax.
        """
        ...
