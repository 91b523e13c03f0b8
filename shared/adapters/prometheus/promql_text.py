"""How PromQL writes texts, regular expressions and times, and what a text in a query means."""

import re
from datetime import timedelta
from typing import Final

_ESCAPES: Final = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([abfnrtv\\'\"]))|(\\)"
)
_SIMPLE: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_TEXT: Final = re.compile(r"""\s*(?:"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)'|`([^`]*)`)""")
_GAP: Final = re.compile(r"(?:\s|#[^\n]*(?:\n|$))*")


def quote(text: str) -> str:
    """Return the text as PromQL writes it; whatever is in it ends no text."""
    return '"' + "".join(_quoted(each) for each in text) + '"'


def exactly(text: str) -> str:
    """Return the regular expression (RE2) that matches this text and nothing else."""
    return re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", text)


def duration(time: timedelta) -> str:
    """Return a time as PromQL writes it: `60s`, or `1500ms`."""
    milliseconds = time // timedelta(milliseconds=1)
    return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{milliseconds}ms"


def read_text(source: str, at: int) -> tuple[str, int] | None:
    """Return what the text that begins at `at`, or after blanks, means, and where it ends; None for no text.

    Raises ValueError for an escape that PromQL does not know.
    """
    found = _TEXT.match(source, at)
    if found is None:
        return None
    double, single, raw = found.groups()
    return raw if raw is not None else _ESCAPES.sub(_meant, double if double is not None else single), found.end()


def skip_gap(source: str, at: int) -> int:
    """Return where blanks and remarks from `at` on end."""
    found = _GAP.match(source, at)
    return found.end() if found else at


def _quoted(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08x}"


def _meant(found: re.Match[str]) -> str:
    *codes, simple, stray = found.groups()
    if stray is not None:
        raise ValueError("a text has an escape that PromQL does not know")
    if simple is not None:
        return _SIMPLE.get(simple, simple)
    byte, short, long, octal = codes
    return chr(int(octal, 8)) if octal is not None else chr(int(byte or short or long, 16))
