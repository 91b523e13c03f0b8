"""JSON values as flags compare them: nothing is converted to fit, and true is no number."""

import math
import re
from collections.abc import Hashable

from shared.domain.flags.model import Json

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_LONGEST_NUMBER = 400
"""What is longer reads as no number: nobody means it, and to read it would take long."""

_MOST_BITS = 14_000
"""Some 4,200 digits: Python writes no number of more than 4,300."""


def same(one: Json, other: Json) -> bool:
    """Whether both are the same JSON: of the same type, numbers by value, lists and objects all the way down."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    return one == other


def levels_of(value: Json) -> int:
    """Return how deep lists and objects lie in one another in a value; 0: it is neither."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inside is None else 1 + max(map(levels_of, inside), default=0)


def hashable(value: Json, levels: int) -> Hashable:
    """Return what is equal for values that are the `same`, and can be looked up.

    What has more levels than these is equal to nothing that has no more.
    """
    if isinstance(value, bool):
        return ("boolean", value)
    if not isinstance(value, list | dict):
        return value
    if levels == 0:
        return ("too deep",)
    if isinstance(value, list):
        return ("list", *[hashable(each, levels - 1) for each in value])
    return ("object", frozenset([(name, hashable(each, levels - 1)) for name, each in value.items()]))


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

    Other numbers have no one way to be written, and what is written in two ways would have two places. A whole number
    that is so great that its digits are not written places nobody either.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and value.bit_length() <= _MOST_BITS else None
