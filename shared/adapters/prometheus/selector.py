"""Selectors of series, such as `http_requests_total{app="shop",code=~"5.."}`: read, narrowed and written again."""

import re
from dataclasses import dataclass, replace
from typing import Final

from shared.adapters.prometheus.promql_text import quote, read_text, skip_gap

NAME: Final = "__name__"
_METRIC: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_OPERATOR: Final = re.compile(r"=~|!~|!=|=")


@dataclass(frozen=True, slots=True)
class Matcher:
    """What a label must be."""

    label: str
    operator: str
    """One of `=`, `!=`, `=~` and `!~`."""
    value: str
    """What is meant, without quotes and escapes."""

    def __str__(self) -> str:
        label = self.label if _LABEL.fullmatch(self.label) else quote(self.label)
        return f"{label}{self.operator}{quote(self.value)}"

    @property
    def is_negative(self) -> bool:
        """Whether it says what the label must not be."""
        return self.operator.startswith("!")


@dataclass(frozen=True, slots=True)
class Selector:
    """Which series are meant."""

    matchers: tuple[Matcher, ...]
    """The metric's name is one of them."""

    @property
    def metric(self) -> str:
        """The metric's name, or nothing where the selector names not exactly one."""
        names = [m.value for m in self.matchers if m.label == NAME and m.operator == "="]
        return names[0] if len(names) == 1 else ""

    @property
    def conditions(self) -> tuple[Matcher, ...]:
        """The matchers of labels, without the metric's name."""
        return tuple(m for m in self.matchers if m.label != NAME)

    def narrowed(self, *matchers: Matcher) -> "Selector":
        """Return the selector of those of its series that also match these."""
        return replace(self, matchers=(*self.matchers, *matchers))

    def without(self, *matchers: Matcher) -> "Selector":
        """Return the selector that does not ask for these."""
        return replace(self, matchers=tuple(m for m in self.matchers if m not in matchers))

    def renamed(self, metric: str) -> "Selector":
        """Return the same conditions on another metric."""
        return Selector((Matcher(NAME, "=", metric), *self.conditions))

    def __str__(self) -> str:
        name = self.metric if _METRIC.fullmatch(self.metric) else ""
        inside = ",".join(str(m) for m in (self.conditions if name else self.matchers))
        return f"{name}{{{inside}}}" if inside or not name else name


def parse_selector(text: str) -> Selector:
    """Return the selector. Raises ValueError for anything else, such as a function, a range or an offset."""
    at = skip_gap(text, 0)
    named = _METRIC.match(text, at)
    matchers = [Matcher(NAME, "=", named.group())] if named else []
    at = skip_gap(text, named.end() if named else at)
    if text.startswith("{", at):
        found, at = _read_matchers(text, at + 1)
        matchers.extend(found)
    if skip_gap(text, at) != len(text):
        raise ValueError(f"'{text[at : at + 20]}' is no part of a selector such as http_requests_total{{app=\"shop\"}}")
    if not any(not m.is_negative and m.value for m in matchers):
        raise ValueError('a selector names a metric, or a label as in {app="shop"}')
    return Selector(tuple(matchers))


def _read_matchers(text: str, at: int) -> tuple[list[Matcher], int]:
    matchers: list[Matcher] = []
    while True:
        at = skip_gap(text, at)
        if text.startswith("}", at):
            return matchers, at + 1
        matcher, at = _read_matcher(text, at)
        matchers.append(matcher)
        at = skip_gap(text, at)
        if text.startswith(",", at):
            at += 1
        elif not text.startswith("}", at):
            raise ValueError(f"in a selector's braces ',' or '}}' is missing before '{text[at : at + 20]}'")


def _read_matcher(text: str, at: int) -> tuple[Matcher, int]:
    plain = _LABEL.match(text, at)
    quoted = None if plain else read_text(text, at)
    if plain is None and quoted is None:
        raise ValueError(f"in a selector's braces a label is missing before '{text[at : at + 20]}'")
    label, at = (plain.group(), plain.end()) if plain else quoted or ("", at)
    at = skip_gap(text, at)
    operator = _OPERATOR.match(text, at)
    if operator is None:
        if quoted:
            return Matcher(NAME, "=", label), at
        raise ValueError(f"the label {label} has no value")
    value = read_text(text, skip_gap(text, operator.end()))
    if value is None:
        raise ValueError(f"the label {label} is compared with nothing that is in quotes")
    return Matcher(label, operator.group(), value[0]), value[1]
