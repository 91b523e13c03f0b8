"""Numbers and times in the rows of an answer, doubting all of them."""

import math
from datetime import UTC, datetime
from typing import Any


def number(value: Any) -> float | None:
    """Return a number, nothing as None, and what is no number as NaN, which no sample takes."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return math.nan
    try:
        # The service writes NaN and infinite reals as texts.
        return float(value)
    except ValueError:
        return math.nan
    except OverflowError:
        return math.inf


def is_count(value: float) -> bool:
    """Whether this can be a count, or a sum of what is never negative."""
    return math.isfinite(value) and value >= 0


def moment(value: Any) -> datetime | None:
    """Return a time, in UTC where it names no zone; None for what is none."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)
