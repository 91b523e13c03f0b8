"""Shares, rates and response times as people write them: `5`, `5%`, `0.02`, `2%`, `200ms`, `1.5s`.

Reckoned in decimal, so that what was written comes out again and 7 % is not 7.000000000000001 %.
"""

import re
from decimal import Decimal
from typing import Final

from shared.domain.rollout.weight import Weight

HIGHEST_LATENCY_MS: Final = 3_600_000.0
_LEAST_FRACTION: Final = 1e-9
_LEAST_MILLISECONDS: Final = 1e-6
_LEAST_CHANCE: Final = 0.0001
_GREATEST_CHANCE: Final = 0.2
_GREATEST_DEVIATION: Final = 0.9
_PERCENT: Final = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,30})?)%")
_TIME: Final = re.compile(r"([0-9]{1,7}(?:\.[0-9]{1,30})?)(ms|s)")


def parse_weight(value: float | str) -> Weight:
    """Return a share of traffic above 0 and below 100 percent, from `5`, `12.5` or `5%`. Raises ValueError."""
    percent = _percent_of(value)
    if not 0 < percent < 100:
        raise ValueError("allowed is a share above 0 and below 100 percent; everyone is reached by the promotion")
    return _weight(percent)


def parse_share(value: float | str) -> Weight:
    """Return a share of traffic from 0 to below 100 percent, from `0`, `12.5` or `5%`. Raises ValueError."""
    percent = _percent_of(value)
    if not 0 <= percent < 100:
        raise ValueError("allowed is a share from 0 to below 100 percent, such as 50 or 50%")
    return _weight(percent)


def parse_hold_back(value: float | str) -> Weight:
    """Return a share of traffic from 0 to 50 percent, from `5`, `12.5` or `5%`. Raises ValueError."""
    percent = _percent_of(value)
    if not 0 <= percent <= 50:
        raise ValueError("allowed is a share from 0 to 50 percent, such as 5 or 5%")
    return _weight(percent)


def _percent_of(value: float | str) -> Decimal:
    return percent_in(value) if isinstance(value, str) else Decimal(repr(value))


def _weight(percent: Decimal) -> Weight:
    thousandths = percent * 1000
    if thousandths != thousandths.to_integral_value():
        raise ValueError("allowed is a percentage with at most three decimals")
    return Weight(int(thousandths))


def format_weight(weight: Weight) -> float:
    """Return the percentage as a number, a whole one where it is one."""
    return weight // 1000 if weight % 1000 == 0 else weight / 1000


def parse_fraction(value: float | str) -> float:
    """Return a rate from 0 to 1, from `2%` or `0.02`. Raises ValueError, with a hint when percent were meant."""
    if isinstance(value, str):
        fraction = float(percent_in(value) / 100)
    elif value >= 1:
        raise ValueError(f"a bare number is a fraction below 1; write {plain_text(value)}% for percent")
    else:
        fraction = float(value)
    if fraction > 1 or (fraction != 0 and fraction < _LEAST_FRACTION):
        raise ValueError("allowed is a rate from 0% to 100%, such as 2% or 0.02")
    return fraction


def parse_chance(value: float | str) -> float:
    """Return a share from 0.01 % to 20 % that a judgement may be wrong about. Raises ValueError."""
    chance = parse_fraction(value)
    if not _LEAST_CHANCE <= chance <= _GREATEST_CHANCE:
        raise ValueError("allowed is a share from 0.01% to 20%, such as 1% or 0.01")
    return chance


def parse_deviation(value: float | str) -> float:
    """Return a relative deviation from 0 % to 90 %. Raises ValueError."""
    deviation = parse_fraction(value)
    if deviation > _GREATEST_DEVIATION:
        raise ValueError("allowed is a relative deviation from 0% to 90%, such as 10% or 0.1")
    return deviation


def format_fraction(fraction: float) -> str:
    """Return the rate in percent, such as `2%`, without loss."""
    return f"{plain_text(Decimal(repr(fraction)) * 100)}%"


def parse_milliseconds(value: float | str) -> float:
    """Return a response time in milliseconds, from `200ms`, `1.5s` or a number of them. Raises ValueError."""
    milliseconds = float(_milliseconds(value)) if isinstance(value, str) else float(value)
    if milliseconds > HIGHEST_LATENCY_MS or (milliseconds != 0 and milliseconds < _LEAST_MILLISECONDS):
        raise ValueError("allowed is a response time from 0ms to 3600s, such as 200ms or 1.5s")
    return milliseconds


def format_milliseconds(milliseconds: float) -> str:
    """Return the response time such as `200ms`, without loss."""
    return f"{plain_text(Decimal(repr(milliseconds)))}ms"


def percent_in(text: str) -> Decimal:
    """Return the number before a percent sign, exactly. Raises ValueError."""
    match = _PERCENT.fullmatch(text)
    if match is None:
        raise ValueError("allowed is a percentage such as 5% or 0.5%")
    return Decimal(match[1])


def _milliseconds(text: str) -> Decimal:
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError("allowed is a response time such as 200ms or 1.5s")
    return Decimal(match[1]) * (1000 if match[2] == "s" else 1)


def plain_text(number: float | Decimal) -> str:
    """Return the number without an exponent and without idle zeros."""
    text = format(Decimal(str(number)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
