"""The `Regexes` of RE2.

The library is imported when the first pattern is met, since most environments have none. A lone half of a surrogate
pair, which JSON can hold, is no text for RE2: it is searched for as a question mark.
"""

from collections.abc import Callable

MOST_MEMORY = 1 << 20
"""What one pattern may take once it is compiled, in bytes: one that needs more (`(a{1000}){1000}`) is refused."""


class Re2Regexes:
    """Makes searches with RE2."""

    def __call__(self, pattern: str) -> Callable[[str], bool]:
        """Return the search of a pattern. Raises ValueError when RE2 does not take it."""
        import re2

        options = re2.Options()
        options.log_errors = False
        options.max_mem = MOST_MEMORY
        try:
            compiled = re2.compile(_utf8(pattern), options)
        except re2.error as error:
            raise ValueError(_reason(error)) from error
        search = compiled.search
        return lambda text: search(_utf8(text)) is not None


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _reason(error: Exception) -> str:
    said = error.args[0] if error.args else error
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
