"""The looks from the outside see what they are there for: each kind of wrong, made on purpose."""

import random
import time

import pytest

from tests.faults.campaign import Result
from tests.faults.host_process import HostProcess
from tests.faults.killer import Killer
from tests.faults.outside import Check, check_rollouts, check_sandbox
from tests.faults.shop_run import Story, Told

FIRST, SECOND = "2026-11-23T12:00:00+00:00", "2026-11-23T12:00:00.5+00:00"


class Sandbox:
    """What the sandbox tells of a site where version 2 failed once."""

    def site(self) -> dict:
        return {"rules": [], "slots": [{"slot": "production", "version": "1"}]}

    def traffic(self) -> dict:
        return {"1": {"requests": 9, "failures": 0}, "2": {"requests": 9, "failures": 1}}


def wrong(checks, promise: str) -> list[str]:
    (check,) = [each for each in checks if promise in each.promise]
    return list(check.wrong)


def history(*lines: tuple[int, str, str]) -> list[dict]:
    return [{"sequence": number, "at": at, "type": kind} for number, at, kind in lines]


@pytest.mark.parametrize(
    ("lines", "is_wrong"),
    [
        (((1, FIRST, "DeploymentAccepted"), (2, SECOND, "RolloutEnded")), False),
        (((1, SECOND, "DeploymentAccepted"), (2, FIRST, "RolloutEnded")), True),
        (((2, FIRST, "DeploymentAccepted"), (1, SECOND, "RolloutEnded")), True),
        (((1, FIRST, "DeploymentAccepted"), (1, SECOND, "RolloutEnded")), True),
    ],
    ids=["in order", "back in time", "back in number", "twice"],
)
def test_history_that_goes_back_is_wrong(lines, is_wrong):
    told = Told(Story.HEALTHY, "2", rollout="shop-1", phase="succeeded")

    assert bool(wrong(check_rollouts([told], {"shop-1": history(*lines)}), "goes back in time")) is is_wrong


@pytest.mark.parametrize(
    ("story", "is_wrong"), [(Story.BAD, False), (Story.ABORTED, True), (Story.ALERTED, True)], ids=str
)
def test_a_failure_is_forgiven_to_a_bad_version_alone(story, is_wrong):
    checks = check_sandbox([Told(story, "2", phase="aborted")], Sandbox())

    assert bool(wrong(checks, "no request failed")) is is_wrong


def test_a_promise_with_nothing_to_look_at_is_wrong():
    assert Result(checks=[Check("seen", 1, ()), Check("unseen", 0, ())]).wrong == ["unseen: nothing was looked at"]


def test_a_host_that_ended_by_itself_before_it_was_killed_is_told_of(tmp_path):
    host = HostProcess(tmp_path, {}, before=("sh", "-c", "exit 7"))
    killer = Killer(host, random.Random(1))
    killer.allow(1)
    killer.start()
    try:
        host.process.wait(timeout=30)
        until = time.monotonic() + 30
        while not killer.troubles and time.monotonic() < until:
            time.sleep(0.01)
    finally:
        killer.stop()
        host.kill()

    assert any("ended by itself with 7" in each for each in killer.troubles)
