"""JSON values as flags compare them: nothing is converted to fit, and true is no number."""

import math
import re

from shared.domain.flags.model import Json

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_LONGEST_NUMBER = 400
"""What is longer reads as no number: nobody means it, and to read it would take long."""


def same(one: Json, other: Json) -> bool:
    """Whether both are the same JSON: of the same type, numbers by value, lists and objects all the way down."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    return one == other


def number_of(value: Json) -> int | float | None:
    """Return the number that a value is, None where it is none."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def number_read(value: Json) -> int | float | None:
    """Return the number that a value is or that a text reads as, None where there is none.

    A text reads as a number where it is written as one, in decimal, with blanks around it at most.
    """
    if not isinstance(value, str):
        return number_of(value)
    text = value.strip()
    if len(text) > _LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def bucket_key(value: Json) -> str | int | None:
    """Return what a user's place is taken from: a text, or a whole number, which places as its digits do; else None.

    Other numbers have no one way to be written, and what is written in two ways would have two places.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) else None
