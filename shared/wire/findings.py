"""Gathers everything that is wrong with a document, so that its author mends it in one go."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from shared.domain.errors import InvalidError, Problem
from shared.wire.source import Path, Source

T = TypeVar("T")

MAX_FINDINGS = 100
"""Reading ends at the last of them: nobody reads more, and what lies beyond it would be taken for sound."""

MAX_ENTRIES = 100
"""No list of a release spec may be as long: longer ones are refused as a whole."""

_HIDDEN = frozenset({"url", "secretSetting", "tokenSetting", "inputs", "webhook"})
"""Fields into which people paste secrets: no value in them is ever repeated."""

_EMPTY_KEY = '""'


class Findings:
    """The problems found so far in one document."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._found: dict[tuple[Path, str], None] = {}

    def add(self, path: Path, message: str) -> None:
        """Note one problem; the same one twice counts once. Raises `InvalidError` with all of them at the last."""
        self._found[(path, message)] = None
        if len(self._found) == MAX_FINDINGS:
            self.raise_if_any()

    def concern(self, path: Path) -> bool:
        """Whether a problem lies at this path or below it."""
        return any(found[: len(path)] == path for found, _ in self._found)

    def raise_if_any(self) -> None:
        """Raise `InvalidError` with all problems, in the order of the text where lines are known."""
        if self._found:
            problems = [Problem(text_of(path), why, self.source.line_of(path)) for path, why in self._found]
            raise InvalidError(*sorted(problems, key=lambda problem: problem.line or 0))


@dataclass(frozen=True, slots=True)
class Part:
    """A value inside a document, with the place where it stands. A part that is absent reads as its default."""

    value: Any
    path: Path
    findings: Findings
    exists: bool = True

    def child(self, key: str) -> "Part":
        """Return the member of an object; an absent part where there is none."""
        exists = isinstance(self.value, dict) and key in self.value
        return Part(self.value[key] if exists else None, (*self.path, key), self.findings, exists)

    def children(self) -> tuple["Part", ...]:
        """Return the entries of a list; none where this is no list, or one so long that no format takes it."""
        entries = self.value if isinstance(self.value, list) and len(self.value) <= MAX_ENTRIES else []
        return tuple(Part(entry, (*self.path, index), self.findings) for index, entry in enumerate(entries))

    def says(self, key: str) -> bool:
        """Whether the member of an object is true; an absent one is not."""
        return self.child(key).value is True

    @property
    def is_sound(self) -> bool:
        """Whether nothing wrong was found here or below."""
        return not self.findings.concern(self.path)

    def refuse(self, message: str) -> None:
        """Note a problem with this part."""
        self.findings.add(self.path, message)

    def read(self, convert: Callable[[Any], T], default: T) -> T:
        """Return the converted value, or `default` when the part is absent or wrong.

        A ValueError of `convert` is noted as the problem: its text says what is allowed.
        """
        if not (self.exists and self.is_sound):
            return default
        try:
            return convert(self.value)
        except ValueError as error:
            self.refuse(f"{found(self.path, self.value)}{error}")
            return default


def refuse_repeats(parts: Iterable[Part], key: Callable[[Part], object], message: str) -> None:
    """Refuse each sound part whose key an earlier one has."""
    seen = set()
    for part in parts:
        if not (part.exists and part.is_sound):
            continue
        if key(part) in seen:
            part.refuse(f"{found(part.path, part.value)}{message}")
        seen.add(key(part))


def text_of(path: Path) -> str:
    """Return the path as people write it: `targets[0].resource`. A key without a character is `""`."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key or _EMPTY_KEY:.60}"
    return text.removeprefix(".")


def found(path: Path, value: object) -> str:
    """Return the beginning of a message that repeats the value, unless it may be a secret."""
    return "" if _HIDDEN.intersection(path) else f"found {shown(value)}; "


def shown(value: object) -> str:
    """Return the value as JSON, cut to what fits into a sentence; of lists and objects only that they are."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, dict | list):
        return f"{'a list' if isinstance(value, list) else 'an object'}{'' if value else ' without entries'}"
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= 60 else f"{text[:57]}..."


def closest(word: str, words: Iterable[str]) -> str:
    """Return ` (did you mean ...?)` when one of the words is near, else nothing."""
    from difflib import get_close_matches

    near = get_close_matches(word.lower(), list(words), n=1, cutoff=0.6)
    by_lower = {candidate.lower(): candidate for candidate in words}
    best = by_lower.get(word.lower()) or (near[0] if near else None)
    return f" (did you mean {best}?)" if best else ""
