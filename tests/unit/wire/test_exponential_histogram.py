"""Exponential histograms with edges: every value stays on its side of every edge, whatever the scale."""

from fractions import Fraction
from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.observations import merged
from shared.wire.exponential_histogram import MILLISECONDS_TO, SECONDS_TO, edged


@given(
    st.integers(-2, 12),
    st.integers(-3000, 3000),
    st.lists(st.integers(0, 5), max_size=40),
    st.sampled_from([SECONDS_TO, MILLISECONDS_TO]),
)
def test_no_value_crosses_an_edge(scale, offset, counts, numbers):
    """A bucket lies wholly on one side of each edge: above it when its lower bound is not below it."""
    found = edged(scale, offset, counts, 2, 0.0, numbers)

    assert found is not None
    assert found.is_plausible
    assert found.total == sum(counts) + 2
    for edge in found.edges:
        exponent = Fraction(round(log2(edge) * 4), 4)
        above = [count for index, count in enumerate(counts, offset) if index / Fraction(2) ** scale >= exponent]
        assert found.above(edge) == sum(above)


@given(st.integers(2, 20), st.integers(2, 20))
def test_all_fine_scales_have_the_same_edges(one, other):
    assert edged(one, 0, [1], 0, 0.0, SECONDS_TO).edges == edged(other, 0, [1], 0, 0.0, SECONDS_TO).edges


@pytest.mark.parametrize("scale", [1, 0, -1])
def test_coarse_scales_have_some_of_these_edges_so_they_come_together(scale):
    fine = edged(6, 0, [1] * 64, 0, 0.0, SECONDS_TO)  # (1, 2]
    coarse = edged(scale, 0, [3], 0, 0.0, SECONDS_TO)

    assert set(coarse.edges) < set(fine.edges)
    assert merged([fine, coarse]).total == 67


@pytest.mark.parametrize(
    ("scale", "index", "edge"), [(0, 0, 2.0), (0, -1, 1.0), (2, 3, 2.0), (3, 7, 2.0), (20, -1, 1.0)]
)
def test_a_bucket_ends_at_its_upper_edge_inclusive(scale, index, edge):
    found = edged(scale, index, [5], 0, 0.0, SECONDS_TO)

    assert found.above(edge) == 0
    assert found.above(max(each for each in found.edges if each < edge)) == 5


def test_what_is_too_long_for_the_edges_is_above_the_last():
    found = edged(0, 20, [5], 0, 0.0, SECONDS_TO)

    assert found.counts[-1] == 5


def test_what_is_too_short_for_the_edges_is_below_the_first():
    found = edged(0, -40, [5], 3, 1e-6, SECONDS_TO)

    assert found.counts[0] == 8
