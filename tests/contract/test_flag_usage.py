"""What every keeper of the use of flags promises, on SQLite, on Azure Table Storage (its emulator) and in memory."""

from datetime import date

import pytest

from shared.adapters.azure_tables.flag_usage import TableFlagUsage
from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.flag_usage import SqliteFlagUsage
from shared.domain.names import EnvironmentName, FlagKey
from shared.ports.flag_usage import ALL_AT_ONCE
from tests.simulation.protocol.snapshots import MemoryFlagUsage

LIVE, TEST = EnvironmentName("production"), EnvironmentName("test")
MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)


@pytest.fixture
def usage(twinned):
    if twinned is None:
        return MemoryFlagUsage()
    return SqliteFlagUsage(twinned) if isinstance(twinned, Database) else TableFlagUsage(twinned)


def keys(*names: str) -> list[FlagKey]:
    return [FlagKey(name) for name in names]


def test_what_was_never_asked_for_has_no_day(usage):
    assert usage.last_days(LIVE, keys("a", "b")) == {}
    assert usage.last_days(LIVE, []) == {}


def test_the_last_mark_stands_and_may_be_repeated(usage):
    (key,) = keys("shop/new-checkout_2.0")
    for day in (MONDAY, TUESDAY, TUESDAY):
        usage.mark(LIVE, key, day)
    assert usage.last_days(LIVE, [key]) == {key: TUESDAY}


def test_each_environment_counts_by_itself(usage):
    (key,) = keys("a")
    usage.mark(LIVE, key, MONDAY)
    usage.mark(TEST, key, TUESDAY)
    assert usage.last_days(LIVE, [key]) == {key: MONDAY}
    assert usage.last_days(TEST, [key]) == {key: TUESDAY}


def test_only_the_flags_that_were_named_are_told(usage):
    named = keys("a", "a/b", "A", "z", "m")
    for key in [*named, *keys("b", "aa", "zz", "a/a"), ALL_AT_ONCE]:
        usage.mark(LIVE, key, MONDAY)
    assert usage.last_days(LIVE, named) == dict.fromkeys(named, MONDAY)
    assert usage.last_days(LIVE, [ALL_AT_ONCE, named[0]]) == {ALL_AT_ONCE: MONDAY, named[0]: MONDAY}


def test_a_key_of_many_slashes_has_a_row_too(usage):
    long, other = keys("/".join(["a"] * 128), "/".join(["a"] * 127))
    usage.mark(LIVE, long, MONDAY)
    usage.mark(LIVE, other, TUESDAY)

    assert usage.last_days(LIVE, [long, other]) == {long: MONDAY, other: TUESDAY}
    assert usage.last_days(LIVE, [other]) == {other: TUESDAY}


def test_what_is_forgotten_was_never_asked_for_and_all_else_stays(usage):
    gone, *others = keys("a/b", "a", "a/b/c", "A/b")
    for key in (gone, *others):
        usage.mark(LIVE, key, MONDAY)
    usage.mark(TEST, gone, MONDAY)

    for _ in range(2):
        usage.forget(LIVE, gone)
        assert usage.last_days(LIVE, [gone, *others]) == dict.fromkeys(others, MONDAY)
    usage.forget(LIVE, FlagKey("never"))
    assert usage.last_days(TEST, [gone]) == {gone: MONDAY}
    usage.mark(LIVE, gone, TUESDAY)
    assert usage.last_days(LIVE, [gone]) == {gone: TUESDAY}
