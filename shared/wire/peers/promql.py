"""PromQL of a foreign tool, read just well enough to ask the same of one version at a time.

What is found are the selectors, `name{label="value"}`. The rest of a query stays as it is.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from shared.wire.query_text import Language, parse_query

_LABEL: Final = r"[a-zA-Z_][a-zA-Z0-9_]*"
_NAME_BEFORE: Final = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\s*\Z")
_MATCHER: Final = re.compile(
    rf"\s*({_LABEL})\s*(=~|!~|!=|=)\s*"
    r"""(?:"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)'|`([^`]*)`)\s*(?:,|\Z)"""
)
_TEXT_OR_REMARK: Final = re.compile(
    r""""(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`|(?P<remark>\#[^\n]*)|(?P<gap>\s+)"""
)
_RANGE: Final = re.compile(r"\s*\[[^\]\[]*\]")
_OPPOSITE: Final = {"=": "!=", "!=": "=", "=~": "!~", "!~": "=~"}
_SUM: Final = r"sum(?:by\([^()]*\))?\((?:rate|irate|increase)\(S\)\)(?:by\([^()]*\))?"
_RATIO: Final = re.compile(rf"\(*(?:(?P<from>100|1)-\(*)?{_SUM}\)*/\(*{_SUM}\)*(?P<percent>\*100)?\)*")


@dataclass(frozen=True, slots=True)
class Matcher:
    """A condition on one label; `value` is as it stands between the quotation marks, for double ones."""

    label: str
    operator: str
    value: str

    def opposite(self) -> "Matcher":
        """Return the condition that holds where this one does not."""
        return replace(self, operator=_OPPOSITE[self.operator])

    def __str__(self) -> str:
        return f'{self.label}{self.operator}"{self.value}"'


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric and the conditions on its labels."""

    name: str
    matchers: tuple[Matcher, ...]

    def __str__(self) -> str:
        return f"{self.name}{{{','.join(map(str, self.matchers))}}}" if self.matchers else self.name

    def with_matcher(self, matcher: Matcher) -> "Selector":
        """Return the selector with one more condition."""
        return replace(self, matchers=(*self.matchers, matcher))


@dataclass(frozen=True, slots=True)
class Query:
    """A query taken apart: texts between selectors, one more than selectors."""

    between: tuple[str, ...]
    selectors: tuple[Selector, ...]

    def __str__(self) -> str:
        told = "".join(f"{text}{selector}" for text, selector in zip(self.between, self.selectors, strict=False))
        return f"{told}{self.between[-1]}".strip()

    def each(self, change: Callable[[Selector], Selector]) -> "Query":
        """Return the query with each selector changed."""
        return replace(self, selectors=tuple(change(selector) for selector in self.selectors))


@dataclass(frozen=True, slots=True)
class Ratio:
    """One part of all requests, as a share or in percent; `is_rest` where the query tells what is not that part."""

    every: Selector
    part: Selector
    extra: Matcher
    """The condition by which the part is told from all."""
    scale: int
    is_rest: bool


def read_query(text: str) -> Query:
    """Return the query with single spaces and without remarks. Raises ValueError where it is not read."""
    parse_query(text, Language.PROMQL)
    plain = _TEXT_OR_REMARK.sub(lambda each: " " if each["remark"] or each["gap"] else each[0], text)
    between, selectors, at = [], [], 0
    for opening, closing in _braces(plain):
        name = _NAME_BEFORE.search(plain, at, opening)
        begins = name.start() if name else opening
        between.append(re.sub(r"\s+$", " ", plain[at:begins]))
        selectors.append(Selector(name[1] if name else "", tuple(_matchers(plain[opening + 1 : closing]))))
        at = closing + 1
    return Query((*between, plain[at:]), tuple(selectors))


def ratio_in(query: Query) -> Ratio | None:
    """Return what a query divides, where it is a part of all requests of the same metric."""
    if len(query.selectors) != 2:
        return None
    skeleton = _RATIO.fullmatch(re.sub(r"\s", "", "S".join(_RANGE.sub("", text) for text in query.between)))
    part, every = query.selectors
    extra = [matcher for matcher in part.matchers if matcher not in every.matchers]
    is_part = part.name == every.name and len(extra) == 1 and len(part.matchers) == len(every.matchers) + 1
    if skeleton is None or not is_part:
        return None
    scale = 100 if skeleton["percent"] else 1
    if skeleton["from"] is not None and int(skeleton["from"]) != scale:
        return None
    return Ratio(every, part, extra[0], scale, skeleton["from"] is not None)


def exactly_one_of(names: tuple[str, ...]) -> str:
    """Return a pattern that matches any of these names of Kubernetes, and nothing else."""
    return f"({'|'.join(name.replace('.', '[.]') for name in names)})"


def widened(matcher: Matcher, mark: str, pattern: str) -> Matcher:
    """Return the condition with a pattern wherever the mark stands; then it compares by pattern."""
    if mark not in matcher.value:
        return matcher
    value = matcher.value if "~" in matcher.operator else re.sub(r"[.+*?()|\[\]{}^$]", r"[\g<0>]", matcher.value)
    value = value.replace(mark, pattern)
    return Matcher(matcher.label, matcher.operator.replace("=~", "=").replace("=", "=~").replace("!=~", "!~"), value)


def _matchers(text: str) -> Iterator[Matcher]:
    at = 0
    while text[at:].strip():
        match = _MATCHER.match(text, at)
        if match is None:
            raise ValueError("the conditions in its braces are not read")
        double, single, raw = match[3], match[4], match[5]
        yield Matcher(match[1], match[2], double if double is not None else _double(single, raw))
        at = match.end()


def _double(single: str | None, raw: str | None) -> str:
    """Return the text between single quotation marks, or raw ones, as it is written between double ones."""
    if raw is not None:
        return raw.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return (single or "").replace("\\'", "'").replace('"', '\\"')


def _braces(text: str) -> Iterator[tuple[int, int]]:
    opening: int | None = None
    at = 0
    while at < len(text):
        if quoted := _TEXT_OR_REMARK.match(text, at):
            at = quoted.end()
            continue
        if text[at] == "{":
            opening = at
        elif text[at] == "}" and opening is not None:
            yield opening, at
            opening = None
        at += 1
