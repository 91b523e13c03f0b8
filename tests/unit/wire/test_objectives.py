"""Objectives, quantiles and multiples: exact in, exact out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.wire.objectives import (
    format_multiple,
    format_objective,
    format_quantile,
    parse_multiple,
    parse_objective,
    parse_quantile,
)


@pytest.mark.parametrize(
    ("value", "budget"),
    [("99.9%", 0.001), (0.999, 0.001), ("99%", 0.01), ("50%", 0.5), ("99.9999%", 0.000001), ("99.95%", 0.0005)],
)
def test_an_objective_leaves_a_budget(value, budget):
    assert parse_objective(value) == budget


@pytest.mark.parametrize("value", ["100%", "49.9%", "99.99999%", 1, 99.9, 0.4, "99.9", "-1%", "99,9%"])
def test_what_is_no_objective_is_refused(value):
    with pytest.raises(ValueError, match="allowed is"):
        parse_objective(value)


@given(st.floats(1e-6, 0.5))
def test_every_budget_is_written_as_an_objective_and_read_back(budget):
    assert parse_objective(format_objective(budget)) == budget


def test_an_objective_is_written_in_percent():
    assert format_objective(0.001) == "99.9%"


@pytest.mark.parametrize(("text", "quantile"), [("p95", 0.95), ("p99", 0.99), ("p99.9", 0.999), ("p50", 0.5)])
def test_a_quantile_is_a_fraction(text, quantile):
    assert parse_quantile(text) == quantile
    assert format_quantile(quantile) == text


@pytest.mark.parametrize("text", ["95", "p49", "p100", "p99.9999", "P95", "p9", "p95%", "median"])
def test_what_is_no_quantile_is_refused(text):
    with pytest.raises(ValueError, match=r"allowed is a quantile .* such as p95"):
        parse_quantile(text)


@given(st.integers(50_000, 99_999))
def test_every_quantile_is_written_and_read_back(thousandths):
    quantile = parse_quantile(f"p{thousandths / 1000}")

    assert parse_quantile(format_quantile(quantile)) == quantile


@pytest.mark.parametrize(("value", "multiple"), [("2x", 2.0), ("1.5x", 1.5), (3, 3.0), ("100x", 100.0)])
def test_a_multiple_is_a_factor(value, multiple):
    assert parse_multiple(value) == multiple


@pytest.mark.parametrize("value", ["2", "1x", 1, "0.5x", "101x", 101, "x2", "2 x", "2X"])
def test_what_is_no_multiple_is_refused(value):
    with pytest.raises(ValueError, match="allowed is a factor"):
        parse_multiple(value)


@given(st.floats(1.0, 100.0, exclude_min=True))
def test_every_multiple_is_written_and_read_back(multiple):
    assert parse_multiple(format_multiple(multiple)) == multiple
