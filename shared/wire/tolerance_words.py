"""How much worse is no fault, in the words that people use: `no worse than 25 % relative plus 0.05 points`.

A tolerance has a part that grows with the stable version's value, said in percent, and a part that does not, said in
the unit of what is compared. What is not said is nothing.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Final, TypeVar

from shared.wire.quantities import parse_fraction, parse_milliseconds, plain_text

T = TypeVar("T")

LARGEST_RELATIVE: Final = Decimal(99_900)
"""In percent: a thousand times the stable version's value."""
LARGEST_NUMBER: Final = 1e9
NOTHING: Final = "no tolerance"

_NUMBER: Final = r"([0-9]{1,9}(?:\.[0-9]{1,30})?)"
_BEGINNING: Final = re.compile(r"\s*no\s+worse\s+than\s+")
_JOINT: Final = re.compile(r"\s+(?:plus|and)\s+|\s*\+\s*")
_RELATIVE: Final = re.compile(rf"{_NUMBER}\s*%\s*relative")
_PERCENT: Final = re.compile(rf"{_NUMBER}\s*%")


class SlackUnit(Enum):
    """What the part that does not grow is said in: how it is written, its form, and an example."""

    POINTS = ("<n> points", rf"{_NUMBER}\s*(?:percentage\s+)?points?", "0.05 points")
    """Of a share: 0.05 points are 0.0005."""
    TIME = ("<n>ms", rf"{_NUMBER}\s*(ms|s)", "20ms")
    NUMBER = ("<n>", _NUMBER, "3")
    """Of a level, in its own unit."""
    OF_TAIL = ("<n>% of the tail", rf"{_NUMBER}\s*%\s*of\s+the\s+tail", "5% of the tail")
    """Of the share of requests beyond a quantile."""

    def __init__(self, words: str, form: str, example: str) -> None:
        self.words = words
        self.form = re.compile(form)
        self.example = example


@dataclass(frozen=True, slots=True)
class Tolerance:
    """At most `maximum` times the stable version's value plus `slack`."""

    maximum: float = 1.0
    slack: float = 0.0


def parse_tolerance(text: str, unit: SlackUnit) -> Tolerance:
    """Return what the words mean. Raises ValueError that says what is understood, with an example."""
    words = text.lower().strip()
    if " ".join(words.split()) == NOTHING:
        return Tolerance()
    relative: Decimal | None = None
    slack: float | None = None
    for part in _JOINT.split(_BEGINNING.sub("", words, count=1)):
        if match := _RELATIVE.fullmatch(part):
            relative = _once(relative, Decimal(match[1]), "a relative part", unit)
        elif match := unit.form.fullmatch(part):
            slack = _once(slack, _slack(match, unit), f"a part in {unit.words}", unit)
        else:
            raise ValueError(f"{_trouble(part, unit)}; {_understood(unit)}")
    if relative is not None and relative > LARGEST_RELATIVE:
        raise ValueError(f"allowed are at most {LARGEST_RELATIVE}% relative; {_understood(unit)}")
    return Tolerance(float(1 + (relative or 0) / 100), slack or 0.0)


def format_tolerance(tolerance: Tolerance, unit: SlackUnit) -> str:
    """Return the tolerance in words, without loss where `maximum` is at least 1."""
    relative = f"{plain_text((Decimal(repr(tolerance.maximum)) - 1) * 100)}% relative"
    slack = _slack_words(Decimal(repr(tolerance.slack)), unit)
    said = [words for words, value in ((relative, tolerance.maximum - 1), (slack, tolerance.slack)) if value]
    return f"no worse than {' plus '.join(said)}" if said else NOTHING


def _once(before: T | None, now: T, what: str, unit: SlackUnit) -> T:
    if before is not None:
        raise ValueError(f"{what} is said twice; {_understood(unit)}")
    return now


def _slack(match: re.Match[str], unit: SlackUnit) -> float:
    match unit:
        case SlackUnit.POINTS | SlackUnit.OF_TAIL:
            return parse_fraction(f"{match[1]}%")
        case SlackUnit.TIME:
            return parse_milliseconds(f"{match[1]}{match[2]}")
        case SlackUnit.NUMBER:
            number = float(match[1])
            if number > LARGEST_NUMBER:
                raise ValueError("allowed is a number from 0 to 1000000000")
            return number


def _slack_words(slack: Decimal, unit: SlackUnit) -> str:
    match unit:
        case SlackUnit.POINTS:
            return f"{plain_text(slack * 100)} points"
        case SlackUnit.OF_TAIL:
            return f"{plain_text(slack * 100)}% of the tail"
        case SlackUnit.TIME:
            return f"{plain_text(slack)}ms"
        case SlackUnit.NUMBER:
            return plain_text(slack)


def _trouble(part: str, unit: SlackUnit) -> str:
    if not part.strip():
        return "a part is missing"
    if match := _PERCENT.fullmatch(part):
        return f'it is not said what {match[1]}% are of: write "{match[1]}% relative"{_or_points(match[1], unit)}'
    return f'"{part.strip():.60}" is not understood'


def _or_points(number: str, unit: SlackUnit) -> str:
    match unit:
        case SlackUnit.POINTS:
            return f' or "{number} points"'
        case SlackUnit.OF_TAIL:
            return f' or "{number}% of the tail"'
        case SlackUnit.TIME | SlackUnit.NUMBER:
            return ""


def _understood(unit: SlackUnit) -> str:
    return (
        f'understood are "<n>% relative" and "{unit.words}", one of them or both joined by plus, and or +, such as '
        f'"no worse than 25% relative plus {unit.example}", and "{NOTHING}"'
    )
