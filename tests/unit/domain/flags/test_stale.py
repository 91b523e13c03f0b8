"""Flags whose time has come to be taken out of the code."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.flags.model import (
    WHOLE,
    All,
    During,
    Prerequisite,
    RegionOverride,
    Rule,
    Share,
    Split,
    Target,
)
from shared.domain.flags.stale import Patience, Stale, Staleness, only_variant, staleness_of
from tests.unit.domain.flags.flags import flag

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
EVERYBODY = Split(shares=(Share("on", WHOLE), Share("off", 0)), seed="")
SOME = Split(shares=(Share("on", 1), Share("off", WHOLE - 1)), seed="")


def stale(asked, *, changed=0, evaluated=0):
    ago = None if evaluated is None else NOW - evaluated * DAY
    return staleness_of(asked, changed=NOW - changed * DAY, evaluated=ago, now=NOW)


@pytest.mark.parametrize(
    ("asked", "variant"),
    [
        (flag(default="on"), "on"),
        (flag(default="on", enabled=False), "off"),
        (flag(default="on", killed=True), "on"),
        (flag(default=EVERYBODY), "on"),
        (flag(default=SOME), None),
        (flag(default="on", rules=(Rule(id="r", condition=All(()), serve=EVERYBODY),)), "on"),
        (flag(default="on", rules=(Rule(id="r", condition=All(()), serve="off"),)), None),
        (flag(default="on", targets=(Target(variant="off", values=("ann",)),)), None),
        (flag(default="on", targets=(Target(variant="off", values=()),)), "on"),
        (flag(default="on", schedule=During(since=NOW)), None),
        (flag(default="on", prerequisites=(Prerequisite("other", ("on",)),)), None),
        (flag(default="off", prerequisites=(Prerequisite("other", ("on",)),)), "off"),
        (flag(default="on", regions=(("westeurope", RegionOverride(enabled=False)),)), None),
        (flag(default="on", regions=(("westeurope", RegionOverride(enabled=True)),)), "on"),
        (flag(default="on", regions=(("westeurope", RegionOverride(default=SOME)),)), None),
    ],
)
def test_the_only_variant_is_what_nobody_can_miss(asked, variant):
    assert only_variant(asked) == variant


@pytest.mark.parametrize(("days", "is_stale"), [(29, False), (30, True)])
def test_a_flag_that_serves_one_variant_for_thirty_days_is_stale(days, is_stale):
    found = stale(flag(default="on"), changed=days)
    assert found == ((Stale(Staleness.ONE_VARIANT, NOW - days * DAY, "on"),) if is_stale else ())


def test_a_flag_that_divides_its_users_is_not():
    assert stale(flag(default=SOME), changed=300) == ()


@pytest.mark.parametrize(("later", "is_stale"), [(DAY, False), (timedelta(), True), (-DAY, True)])
def test_a_flag_past_its_date_is_stale(later, is_stale):
    found = stale(flag(default=SOME, expires=NOW + later))
    assert found == ((Stale(Staleness.EXPIRED, NOW + later),) if is_stale else ())


@pytest.mark.parametrize(
    ("changed", "evaluated", "since"), [(20, 13, None), (20, 14, 14), (20, None, 20), (13, None, None), (3, 20, None)]
)
def test_a_flag_that_nobody_asks_for_is_stale(changed, evaluated, since):
    found = stale(flag(default=SOME), changed=changed, evaluated=evaluated)
    assert found == (() if since is None else (Stale(Staleness.NOT_EVALUATED, NOW - since * DAY),))


def test_every_reason_is_told_and_the_patience_is_a_setting():
    patience = Patience(unchanged=DAY, unasked=DAY)
    asked = flag(expires=NOW)
    found = staleness_of(asked, changed=NOW - DAY, evaluated=None, now=NOW, patience=patience)
    assert [each.why for each in found] == list(Staleness)
