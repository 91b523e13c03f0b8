"""The host's clock steps by an hour in the middle of a rollout: it promotes nobody, and goes on once it is right."""

import time

import pytest

from tests.faults.host_process import HostProcess, settings_for
from tests.faults.moments import PATIENCE, aborts, await_phase, is_sound, released
from tests.faults.stepped_clock import SteppedClock
from tests.ports import free_port

HOUR = 3600.0
QUIET = 8.0
"""So many seconds are enough for a look or two, and for the windows that a verdict needs."""


@pytest.fixture
def clock(tmp_path):
    return SteppedClock(tmp_path / "off")


@pytest.fixture
def host(cloud, data, tmp_path, clock):
    """The host, with a clock that can be set."""
    settings = settings_for(cloud.management, **clock.environment)
    host = HostProcess(data, settings, log=tmp_path / "host.log", port=free_port())
    yield host
    host.kill()


def baking(run):
    """A rollout whose candidate has users, and is being judged."""
    run.host.start()
    run.begin()
    rollout = released(run)
    ends = time.monotonic() + PATIENCE
    while seen(run, rollout)["doing"] != "baking":
        assert time.monotonic() < ends, run.host.last_words()
        time.sleep(0.1)
    return rollout


def seen(run, rollout):
    return run.host.insist("GET", f"/api/rollouts/{rollout}").json()


def test_a_clock_that_steps_back_promotes_nobody_and_a_person_is_heard_at_once(run, clock, data):
    rollout = baking(run)
    clock.step(-HOUR)
    time.sleep(QUIET)
    assert (seen(run, rollout)["phase"], seen(run, rollout)["weight"]) == ("progressing", 25)

    aborts(run, rollout, data)
    assert "Traceback" not in run.host.log.read_text()


@pytest.mark.long
def test_a_clock_that_steps_back_and_is_put_right_again_goes_on_from_there(run, clock, data):
    rollout = baking(run)
    clock.step(-HOUR)
    time.sleep(QUIET)
    clock.step(0)

    await_phase(run, rollout, "succeeded")
    is_sound(run, data)


@pytest.mark.long
def test_a_clock_that_steps_ahead_ends_what_ran_out_of_time_at_weight_0_and_releases_again_when_it_is_right(
    run, clock, data
):
    rollout = baking(run)
    clock.step(HOUR)
    await_phase(run, rollout, "failed")
    assert "deadline" in seen(run, rollout)["reason"]
    assert run.control.site()["rules"] == []
    clock.step(0)

    released(run, until="succeeded")
    # Lists that were to be written anew when the clock went back are, when that hour has come again.
    is_sound(run, data, but="PublishViews")
    assert "Traceback" not in run.host.log.read_text()
