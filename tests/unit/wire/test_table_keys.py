"""Keys that Table Storage takes, and back."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.domain.errors import RejectedError
from shared.wire.table_keys import EPOCH, escape_key, micros, moment, padded, unescape_key

ANY_TEXT = st.text(st.characters(codec=None), max_size=30)


@given(ANY_TEXT)
@example("!002f")
@example("/\\#?%+'\x00\x1f\x7f\x9f")
@example("\ud83d\ude80 and 🚀")
def test_an_escaped_key_is_safe_ascii_and_comes_back(key):
    escaped = escape_key(key)
    assert escaped.isascii()
    assert not set(escaped) & set("/\\#?%+'\" ")
    assert unescape_key(escaped).encode("utf-16", "surrogatepass") == key.encode("utf-16", "surrogatepass")


@given(ANY_TEXT.filter(lambda text: text.isprintable()), ANY_TEXT.filter(lambda text: text.isprintable()))
def test_different_keys_stay_different(one, other):
    assert (escape_key(one) == escape_key(other)) == (one == other)


def test_a_plain_key_stays_as_it_is():
    assert escape_key("application:shop-2_b.c") == "application:shop-2_b.c"


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
def test_padded_numbers_sort_like_the_numbers(one, other):
    assert (padded(one, "it") < padded(other, "it")) == (one < other)


@pytest.mark.parametrize("number", [-1, 2**63])
def test_a_number_that_is_no_int64_is_rejected_by_its_name(number):
    with pytest.raises(RejectedError, match=r"the sequence is .*int64"):
        padded(number, "the sequence")


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_time_comes_back_to_the_microsecond(time):
    assert moment(micros(time)) == time


def test_a_time_of_another_zone_is_the_same_moment():
    assert micros(EPOCH + timedelta(seconds=1)) == 1_000_000
    assert micros(datetime.fromisoformat("1970-01-01T02:00:01+02:00")) == 1_000_000
