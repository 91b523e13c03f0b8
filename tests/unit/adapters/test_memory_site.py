"""The memory twin's own promises: exact windows on a clock that only the test moves, and trouble on order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.memory.notifier import MemoryNotifier
from shared.adapters.memory.site import MemorySite
from shared.domain.analysis.measurement import Histogram, Lack, Sample, Value
from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.names import TargetName
from shared.domain.rollout.measuring import ValueKind, ValueQuery
from shared.domain.rollout.spec import Notification, Place, Target, TargetKind, Topic
from shared.domain.rollout.weight import ALL, Weight
from tests.traffic_worlds import window_question

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WEST = Target(name=TargetName("west"), kind=TargetKind.APP_SERVICE_SLOT, resource="/sites/west", slot="candidate")
EAST = replace(WEST, name=TargetName("east"), resource="/sites/east")
PLACES = (Place.PRODUCTION, Place.CANDIDATE)


class Clock:
    def __init__(self):
        self.time = NOON

    def now(self):
        return self.time

    def pass_time(self, **span):
        self.time += timedelta(**span)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def site(clock):
    site = MemorySite(clock.now, requests_per_second=10, swap_time=timedelta(seconds=30))
    site.deploy(WEST, Place.PRODUCTION, "1", latency_ms=20)
    site.deploy(WEST, Place.CANDIDATE, "2", error_rate=0.5, latency_ms=40)
    return site


def read(site, target=WEST, count=1, since=NOON):
    return site.read_windows(window_question(since, since + count * MINUTE, MINUTE, target=target))


def test_requests_are_divided_exactly_by_the_share(clock, site):
    site.set_share(WEST, Weight(25_000))
    clock.pass_time(minutes=1)

    (window,) = read(site)

    assert window.stable == Sample(requests=450, failures=0, latency_ms=20)
    assert window.candidate == Sample(requests=150, failures=75, latency_ms=40)


def test_a_share_that_changes_within_a_window_counts_for_its_part_of_it(clock, site):
    clock.pass_time(seconds=45)
    site.set_share(WEST, ALL)
    clock.pass_time(seconds=15)

    (window,) = read(site)

    assert (window.stable.requests, window.candidate.requests) == (450, 150)


def test_pinned_users_stay_with_the_candidate_at_share_zero(clock, site):
    site.pin(WEST, Weight(10_000))
    clock.pass_time(minutes=1)

    assert read(site)[0].candidate.requests == 60


def test_pinned_users_are_not_dealt_a_second_time(clock, site):
    site.pin(WEST, Weight(10_000))
    site.set_share(WEST, Weight(50_000))
    clock.pass_time(minutes=1)

    assert read(site)[0].candidate.requests == pytest.approx(600 * (0.1 + 0.9 * 0.5))


def test_a_window_has_no_values_before_its_lag_has_passed(clock, site):
    site.lag = timedelta(minutes=2)
    clock.pass_time(minutes=2, seconds=59)
    early = read(site)[0].stable
    clock.pass_time(seconds=1)

    assert early.lack is Lack.NO_DATA
    assert read(site)[0].stable.requests == 600


def test_nothing_is_known_of_the_time_before_the_site(clock, site):
    clock.pass_time(minutes=1)

    before, after = read(site, count=2, since=NOON - MINUTE)

    assert before.candidate.lack is Lack.NO_DATA
    assert after.candidate.requests == 0


def test_a_swap_takes_effect_at_its_end_however_late_one_looks(clock, site):
    site.begin_swap(WEST)
    clock.pass_time(minutes=1)

    (window,) = read(site)

    assert window.stable == Sample(requests=600, failures=150, latency_ms=30)
    assert site.read_version(WEST, Place.PRODUCTION) == "2"


def test_a_deployment_after_the_end_of_a_swap_is_not_swapped(clock, site):
    site.begin_swap(WEST)
    clock.pass_time(minutes=1)

    site.deploy(WEST, Place.CANDIDATE, "3")

    assert [site.read_version(WEST, place) for place in PLACES] == ["2", "3"]


def test_sites_know_nothing_of_each_other(clock, site):
    site.deploy(EAST, Place.PRODUCTION, "9")
    site.set_share(WEST, ALL)
    site.begin_swap(WEST)
    site.begin_swap(EAST)

    assert site.read_share(EAST) == 0


def test_a_place_without_a_version_does_not_answer_and_fails_its_users(clock, site):
    site.deploy(EAST, Place.PRODUCTION, "9")
    site.set_share(EAST, ALL)
    clock.pass_time(minutes=1)

    with pytest.raises(TryLaterError):
        site.read_health(EAST, Place.CANDIDATE)
    assert read(site, EAST)[0].candidate == Sample(requests=600, failures=600)


def test_a_version_that_is_not_well_says_so(site):
    site.deploy(WEST, Place.CANDIDATE, "3", healthy=False)

    assert not site.read_health(WEST, Place.CANDIDATE).healthy


def test_calls_are_remembered_in_order_also_those_that_failed(site):
    site.fail("set_share")
    with pytest.raises(TryLaterError):
        site.set_share(WEST, Weight(5_000))
    site.read_version(WEST, Place.CANDIDATE)
    site.move_by_hand(WEST, ALL)

    assert [(call.method, call.target, call.detail) for call in site.calls] == [
        ("set_share", "west", "5000"),
        ("read_version", "west", "candidate"),
    ]


def test_trouble_ends_after_so_many_calls(site):
    site.fail("read_share", RejectedError("gone"), times=2)

    for _ in range(2):
        with pytest.raises(RejectedError, match="gone"):
            site.read_share(WEST)
    assert site.read_share(WEST) == 0


def test_trouble_ends_at_its_time(clock, site):
    site.fail("read_share", until=NOON + MINUTE)
    clock.pass_time(seconds=59)
    with pytest.raises(TryLaterError):
        site.read_share(WEST)
    clock.pass_time(seconds=1)

    assert site.read_share(WEST) == 0


def test_a_lost_answer_hides_a_call_that_was_carried_out(site):
    site.fail("set_share", times=1, applied=True)

    with pytest.raises(TryLaterError):
        site.set_share(WEST, Weight(5_000))

    assert site.read_share(WEST) == 5_000


def test_a_call_that_fails_is_not_carried_out(site):
    site.fail("set_share", times=1)

    with pytest.raises(TryLaterError):
        site.set_share(WEST, Weight(5_000))

    assert site.read_share(WEST) == 0


def test_trouble_with_what_is_no_method_of_a_port_is_refused(site):
    with pytest.raises(ValueError, match="deploy is not one of"):
        site.fail("deploy")


def test_a_message_whose_answer_was_lost_was_taken(clock):
    notifier = MemoryNotifier(clock.now)
    notifier.fail(times=1, applied=True)

    with pytest.raises(TryLaterError):
        notifier.notify(Notification(name="team", url="", topics=(Topic.STARTED,)), "id", "{}")

    assert [posted.message_id for posted in notifier.posted] == ["id"]


def test_a_version_that_tells_response_times_divides_its_requests_by_them(clock, site):
    site.deploy(WEST, Place.PRODUCTION, "1", latencies=Histogram((100.0, 500.0), (6, 3, 1)))
    clock.pass_time(minutes=1)

    (window,) = read(site)

    assert window.stable.histogram == Histogram((100.0, 500.0), (360, 180, 60))
    assert window.candidate.histogram is None


COUNTER = ValueQuery(name="orders", kind=ValueKind.COUNTER)
GAUGE = ValueQuery(name="queue", kind=ValueKind.GAUGE)


def test_a_counter_grows_with_requests_and_a_gauge_keeps_its_level(clock, site):
    site.deploy(WEST, Place.PRODUCTION, "1", values={"orders": 0.05, "queue": 7})
    clock.pass_time(seconds=30)
    site.deploy(WEST, Place.PRODUCTION, "1", values={"orders": 0.1, "queue": 9})
    clock.pass_time(seconds=30)

    question = window_question(NOON, NOON + MINUTE, MINUTE, target=WEST, values=(COUNTER, GAUGE))
    (window,) = site.read_windows(question)

    assert window.stable.values == (Value(name="orders", value=45), Value(name="queue", value=8))
    assert window.candidate.values == ()


def test_a_site_has_no_faults_unless_it_is_given_some(site):
    site.faults["west"] = ("metrics.source.requests: there is no metric Request",)
    question = window_question(NOON, NOON + MINUTE, MINUTE, target=WEST)

    assert site.find_faults(question) == site.faults["west"]
    assert site.find_faults(replace(question, target=EAST)) == ()
