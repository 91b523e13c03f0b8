"""What the doors promise: an id that was given away stays readable, and an identity stands for one request."""

from dataclasses import replace

import pytest

from shared.domain.errors import RejectedError
from shared.domain.names import CommandId, Version
from tests.scenario.world import SHOP, World


def failed_once(world: World) -> None:
    assert world.run_to_end(world.deploy("2", error_rate=0.5)) == "rolled-back"
    world.settle()


def succeeded_once(world: World) -> None:
    assert world.run_to_end(world.deploy("2")) == "succeeded"
    world.settle()


def test_the_second_of_two_retries_ends_aborted_with_the_reason(world):
    failed_once(world)
    first, second = world.override("retry"), world.override("retry")
    assert [world.phase(each) for each in (first, second)] == ["pending", "pending"]

    world.settle()

    assert world.phase(first) == "progressing"
    refused = world.rollout(second)
    assert (refused["phase"], refused["version"], refused["source"]) == ("aborted", "2", "retry by alice")
    assert refused["reason"] == f"rollout {first} is progressing"
    assert world.happened(second) == ["DeploymentRefused"]
    assert "CommandRefused" in world.happened(first)


def test_a_rollback_of_the_last_success_never_takes_back_a_newer_rollout(world):
    succeeded_once(world)
    newer = world.deploy("3")
    promised = world.override("rollback", "the last one hurts")
    assert (world.phase(promised), world.rollout(promised)["version"]) == ("pending", "1")

    world.run_until(lambda: world.share() == 5)

    assert world.phase(newer) == "progressing"
    refused = world.rollout(promised)
    assert (refused["phase"], refused["version"]) == ("aborted", "1")
    assert refused["reason"] == f"it was to begin a rollout, and rollout {newer} is live by now"


def test_a_promised_rollout_can_be_read_while_it_waits_behind_a_newer_one(world):
    """The first commit makes the newer one live; the promise still waits in the inbox then."""
    succeeded_once(world)
    world.deploy("3")
    promised = world.override("rollback")
    seen = []
    world.start()
    store = _Before(world.keeping.store, commit=lambda *args: seen.append(world.phase(promised)))
    world.change = lambda keeping: replace(keeping, store=store)
    world.start()

    world.settle()

    assert set(seen) == {"pending", "aborted"}


def test_a_rollback_of_the_last_success_with_nothing_in_between_begins_what_was_promised(world):
    succeeded_once(world)
    promised = world.override("rollback")
    world.settle()

    assert world.run_to_end(promised) == "succeeded"
    assert world.production() == "1"


def test_a_rollback_that_was_accepted_for_a_live_rollout_takes_that_one_back(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.rollout(rollout)["phase"] == "promoting")
    assert world.override("rollback") == rollout

    world.settle()
    assert world.run_to_end(rollout) == "rolled-back"


def test_of_two_posts_of_one_event_at_once_the_one_with_another_version_is_refused(world):
    def other_post(*_args):
        store.before.clear()
        world.announce("2", "event-1")

    store = _Before(world.keeping.store, accept=other_post)
    world.change = lambda keeping: replace(keeping, store=store)
    world.start()

    with pytest.raises(RejectedError, match="was used for version 2, not 3"):
        world.app.intake.accept_deployment(SHOP, Version("3"), CommandId("event-1"), "ci")


def test_of_two_posts_of_one_event_at_once_both_are_answered_with_its_rollout(world):
    first = []

    def other_post(*_args):
        store.before.clear()
        first.append(world.announce("2", "event-1"))

    store = _Before(world.keeping.store, accept=other_post)
    world.change = lambda keeping: replace(keeping, store=store)
    world.start()

    assert [world.announce("2", "event-1")] == first


class _Before:
    """Passes everything on; something of the test's happens right before the named methods."""

    def __init__(self, inner, **before):
        self._inner = inner
        self.before = before

    def __getattr__(self, name):
        method = getattr(self._inner, name)
        if name not in self.before:
            return method

        def call(*args, **kwargs):
            self.before[name](*args)
            return method(*args, **kwargs)

        return call
