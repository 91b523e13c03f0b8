"""What became of each value of a foreign document: nothing is dropped without a line that says so."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from shared.wire.findings import Part, closest, text_of
from shared.wire.source import Path


class Fate(StrEnum):
    """What became of a value; `CHOSEN` is a part of the release spec that no value stands behind."""

    BECOMES = "becomes"
    NO_EQUAL = "no equal"
    NOT_NEEDED = "not needed"
    UNKNOWN = "unknown"
    CHOSEN = "chosen"


@dataclass(frozen=True, slots=True)
class Account:
    """What became of a value and of everything inside it, in words."""

    fate: Fate
    words: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the report on an import."""

    fate: Fate
    words: str
    path: str
    """Where in the document; for what was chosen, where in the release spec."""
    file: str = ""
    document: int = 1
    """Which document of the file, counted from 1."""
    line: int | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line is not None else self.file
        return f"{place}: {self.path}: {self.fate.value}: {self.words}"


ANY: Final = "*"
EACH: Final = "[]"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known beforehand of the fields of one kind of document.

    Paths are written as `spec.steps[].pause`; `*` is any key. A path beneath which others are known stands for the
    value itself alone, so that a field that nobody knows is told as such.
    """

    kind: str
    accounts: Mapping[tuple[str, ...], Account]

    def at(self, path: Path) -> Account | None:
        """Return what is known of exactly this path."""
        plain = _plain(path)
        exact = self.accounts.get(plain)
        return exact or next((self.accounts[known] for known in self._open(len(plain)) if _fits(known, plain)), None)

    def _open(self, length: int) -> Iterator[tuple[str, ...]]:
        return (known for known in self.accounts if ANY in known and len(known) == length)

    def leads_on(self, path: Path) -> bool:
        """Whether something is known of a path that begins with this one."""
        plain = _plain(path)
        return any(len(known) > len(plain) and _fits(known[: len(plain)], plain) for known in self.accounts)

    def beside(self, path: Path) -> list[str]:
        """Return the names that are known where the last key of this path stands."""
        plain = _plain(path[:-1])
        longer = [known for known in self.accounts if len(known) > len(plain)]
        return sorted({known[len(plain)] for known in longer if _fits(known[: len(plain)], plain)} - {ANY, EACH})


def _plain(path: Path) -> tuple[str, ...]:
    return tuple(EACH if isinstance(key, int) else key for key in path)


def _fits(known: tuple[str, ...], path: tuple[str, ...]) -> bool:
    return all(mine in (theirs, ANY) for mine, theirs in zip(known, path, strict=False))


def known_fields(kind: str, table: Mapping[str, tuple[Fate, str]]) -> Known:
    """Return what a table says of a kind of document."""
    return Known(kind, {parse_known_path(path): Account(*account) for path, account in table.items()})


def parse_known_path(text: str) -> tuple[str, ...]:
    """Return the keys of a path as a table writes it."""
    return tuple(text.replace(EACH, f".{EACH}").split("."))


@dataclass(slots=True)
class Accounts:
    """Gathers what becomes of the values of one document. A later word on the same value replaces the earlier one."""

    known: Known
    _said: dict[Path, Account] = field(default_factory=dict)
    _chosen: dict[str, str] = field(default_factory=dict)

    def becomes(self, part: Part, words: str) -> None:
        """Say that a value stands in the release spec: where, and perhaps what to know about it."""
        self._say(part, Account(Fate.BECOMES, words))

    def no_equal(self, part: Part, why: str, chosen: str) -> None:
        """Say that the release spec has nothing like a value, and what was chosen instead."""
        self._say(part, Account(Fate.NO_EQUAL, f"{why}; chosen: {chosen}"))

    def not_needed(self, part: Part, why: str) -> None:
        """Say why a value does not matter to a release spec."""
        self._say(part, Account(Fate.NOT_NEEDED, why))

    def chosen(self, spec_path: str, words: str) -> None:
        """Say what stands in the release spec though the document says nothing of it."""
        self._chosen[spec_path] = words

    def _say(self, part: Part, account: Account) -> None:
        if part.exists:
            self._said[part.path] = account

    def lines(self, part: Part, file: str, document: int) -> tuple[Line, ...]:
        """Return the lines on a document, in its order, so that every value lies at or below the path of one."""
        told: dict[Path, Account] = {}
        for leaf, value in leaves(part):
            path, account = self._account_of(leaf, len(part.path), is_null=value is None)
            told.setdefault(path, account)
        source = part.findings.source
        return (
            *(
                Line(said.fate, said.words, text_of(path), file, document, source.line_of(path))
                for path, said in told.items()
            ),
            *(Line(Fate.CHOSEN, words, path, file, document) for path, words in self._chosen.items()),
        )

    def _account_of(self, leaf: Path, base: int, *, is_null: bool) -> tuple[Path, Account]:
        ends = range(len(leaf), base - 1, -1)
        said = next((end for end in ends if leaf[:end] in self._said), None)
        if said is not None:
            return leaf[:said], self._said[leaf[:said]]
        if is_null:
            return leaf, _NULL
        for end in ends:
            account = self._known(leaf[base:end], is_whole=end == len(leaf))
            if account is not None:
                return leaf[:end], account
        end = next((end for end in range(base + 1, len(leaf)) if not self.known.leads_on(leaf[base:end])), len(leaf))
        return leaf[:end], self._unknown(leaf[base:end])

    def _known(self, path: Path, *, is_whole: bool) -> Account | None:
        """What is known of a path around a value counts only where nothing is known of what may stand in it."""
        account = self.known.at(path)
        return account if account is not None and (is_whole or not self.known.leads_on(path)) else None

    def _unknown(self, path: Path) -> Account:
        near = closest(str(path[-1]), self.known.beside(path)) if path else ""
        return Account(
            Fate.UNKNOWN, f"is no field of the kind {self.known.kind} that is known here{near}; chosen: left out"
        )


_NULL: Final = Account(Fate.NOT_NEEDED, "is null, which is as if it were not there")


def leaves(part: Part) -> Iterator[tuple[Path, Any]]:
    """Yield each value that holds no other one, an empty list or object too, with its path."""
    waiting: list[tuple[Any, Path]] = [(part.value, part.path)]
    while waiting:
        value, path = waiting.pop()
        inside: list[tuple[Any, Path]] = []
        if isinstance(value, dict):
            inside = [(member, (*path, key)) for key, member in value.items()]
        elif isinstance(value, list):
            inside = [(entry, (*path, index)) for index, entry in enumerate(value)]
        if not inside:
            yield path, value
        waiting.extend(reversed(inside))
