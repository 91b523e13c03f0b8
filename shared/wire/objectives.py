"""Objectives, quantiles and multiples as people write them: `99.9%`, `p95`, `2x`.

Reckoned in decimal, so that what was written comes out again and the budget of 99.9 % is 0.001.
"""

import re
from decimal import Decimal
from typing import Final

from shared.wire.quantities import percent_in, plain_text

LARGEST_MULTIPLE: Final = 100
_QUANTILE: Final = re.compile(r"p([0-9]{2}(?:\.[0-9]{1,3})?)")
_MULTIPLE: Final = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,30})?)x")


def parse_objective(value: float | str) -> float:
    """Return the budget of an objective, the share that may fail: 0.001 for `99.9%` or 0.999. Raises ValueError."""
    objective = percent_in(value) / 100 if isinstance(value, str) else Decimal(repr(value))
    if not Decimal("0.5") <= objective <= Decimal("0.999999"):
        raise ValueError("allowed is an objective from 50% to 99.9999%, such as 99.9% or 0.999")
    return float(1 - objective)


def format_objective(budget: float) -> str:
    """Return the objective in percent, such as `99.9%` for a budget of 0.001, without loss."""
    return f"{plain_text((1 - Decimal(repr(budget))) * 100)}%"


def parse_quantile(text: str) -> float:
    """Return a quantile from 0.5 to 0.99999, from `p95` or `p99.9`. Raises ValueError."""
    match = _QUANTILE.fullmatch(text)
    if match is None or Decimal(match[1]) < 50:
        raise ValueError("allowed is a quantile from p50 to p99.999, such as p95 or p99.9")
    return float(Decimal(match[1]) / 100)


def format_quantile(quantile: float) -> str:
    """Return the quantile such as `p99.9`, without loss."""
    return f"p{plain_text(Decimal(repr(quantile)) * 100)}"


def parse_multiple(value: float | str) -> float:
    """Return a factor above 1, at most 100, from `2x`, `1.5x` or a number. Raises ValueError."""
    multiple = float(_multiple(value)) if isinstance(value, str) else float(value)
    if not 1 < multiple <= LARGEST_MULTIPLE:
        raise ValueError("allowed is a factor above 1, at most 100, such as 2x or 1.5x")
    return multiple


def format_multiple(multiple: float) -> str:
    """Return the factor such as `2x`, without loss."""
    return f"{plain_text(Decimal(repr(multiple)))}x"


def _multiple(text: str) -> Decimal:
    match = _MULTIPLE.fullmatch(text)
    if match is None:
        raise ValueError("allowed is a factor such as 2x or 1.5x")
    return Decimal(match[1])
