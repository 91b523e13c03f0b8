"""The version before is kept for a while to take everyone back in one hop; what only it needs goes after that."""

import pytest

from shared.domain.rollout import events as e
from shared.domain.rollout.commands import Action
from shared.domain.rollout.permissions import refusal
from shared.domain.rollout.spec import Place, Stage
from shared.domain.rollout.state import Doing, Phase
from shared.domain.rollout.weight import NONE
from tests.unit.domain.specs import APP, HOUR, MINUTE, WEB, hook, spec
from tests.unit.domain.states import Story, deploy, succeeded

CONTRACT = (hook(Stage.CONTRACT),)


def contracts(story: Story) -> int:
    return len([begun for begun in story.named(e.HookBegun) if begun.run.hook.at is Stage.CONTRACT])


def returning_in_a_freeze() -> Story:
    """Version 2 has succeeded; version 1 was deployed by name in a freeze that outlasts its warmth."""
    story = succeeded(spec(hooks=CONTRACT)).override("freeze")
    story.deploy("1", 2)
    return story.wait(2 * HOUR).tick().settle()


def test_what_a_version_needs_is_not_taken_away_while_it_is_on_its_way_back():
    story = returning_in_a_freeze()

    assert contracts(story) == 0
    story.override("unfreeze")
    assert story.go_to_end().phase is Phase.SUCCEEDED
    story.wait(5 * HOUR).tick()
    assert contracts(story) == 0


def test_when_it_does_not_come_back_what_only_it_needs_is_taken_away_then():
    story = returning_in_a_freeze().override("abort", 3).tick()

    assert contracts(story) == 1
    assert story.state.warm is None


def test_whoever_asks_to_be_taken_back_waits_for_no_freeze():
    story = succeeded().override("freeze").override("rollback", 2)

    assert story.go_to_end().phase is Phase.SUCCEEDED
    assert (story.site.production, story.state.frozen is not None) == ("1", True)


def test_a_freeze_that_comes_later_holds_no_return():
    story = succeeded().override("rollback", 2).override("freeze")
    assert story.live.held_since is None

    story.override("pause").wait(MINUTE).override("resume")

    assert story.live.held_since is None
    assert story.go_to_end().phase is Phase.SUCCEEDED


def test_a_return_that_is_tried_again_waits_for_no_freeze_either():
    story = failed_return().override("freeze").override("retry", 3)

    assert story.go_to_end().phase is Phase.SUCCEEDED


@pytest.mark.parametrize("brings_again", [False, True])
def test_a_version_that_is_deployed_by_name_in_a_freeze_waits_also_when_it_could_return_at_once(brings_again):
    """Else CI would bring back what was just taken away, while everybody is told that nothing moves."""
    story, version = succeeded(), "1"
    if brings_again:
        story.override("rollback", 2)
        story.go_to_end()
        version = "2"
    story.override("freeze").deploy(version, 7).wait(HOUR).tick()
    assert (story.state.live, story.state.pending and story.state.pending.returns) == (None, not brings_again)

    assert story.override("unfreeze").live.phase is Phase.PROGRESSING
    story.override("freeze").wait(HOUR).tick()
    assert (story.live.doing, story.site.production != version) == (Doing.PREFLIGHT, True)


def test_a_return_is_never_returned_from():
    """A colleague's second rollback, seconds after the first, must not bring the bad version back to everyone."""
    story = succeeded().override("rollback", 2)
    story.go_to_end()
    story.override("rollback", 3)

    assert (story.state.live, story.state.pending) == (None, None)
    why = "1 is what you went back to: deploy 2 by name to bring it again"
    assert refusal(story.state, Action.ROLLBACK) == story.named(e.CommandRefused)[-1].reason == why


def test_what_was_taken_away_and_is_deployed_by_name_goes_the_way_of_every_version():
    story = succeeded().override("rollback", 2)
    story.go_to_end()
    story.deploy("2", 3)

    assert (story.live.returns, len(story.live.plan) > 1) == (False, True)


def with_three_taken_back(target=APP, how="rollback") -> Story:
    """Version 2 took the place of 1; version 3 was released on top, and taken back."""
    story = Story(spec(targets=(target,)))
    site = story.outside.site(target)
    story.deploy("2").go_until(lambda: _approves(story))
    site.put(Place.CANDIDATE, "3", turned=target != WEB)
    story.tell(deploy("3", 2))
    story.go_until(lambda: story.live.doing is Doing.BAKING)
    story.override(how, 3)
    assert story.go_to_end().version == "3"
    return story.settle()


def _approves(story: Story) -> bool:
    if refusal(story.state, Action.APPROVE) is None:
        story.override("approve")
    return story.state.live is None


@pytest.mark.parametrize("how", ["rollback", "abort"])
@pytest.mark.parametrize("frozen", [False, True])
def test_a_rollout_that_was_taken_back_since_is_not_in_the_way_of_a_rollback(how, frozen):
    story = with_three_taken_back(how=how)
    if frozen:
        story.override("freeze")
    story.override("rollback", 4)

    assert (story.live.version, story.live.returns, story.live.origin) == ("1", True, "shop-1")


def test_one_that_only_waits_gives_way_to_it_too():
    story = with_three_taken_back().override("freeze")
    story.tell(deploy("4", 5))
    story.override("rollback", 6)

    assert (story.live.version, story.archived[-1].ending.reason) == ("1", "superseded by shop-6")


def test_where_the_place_was_overwritten_meanwhile_nothing_is_warm_any_more_and_the_refusal_says_why():
    story = with_three_taken_back(WEB)
    assert [(seen.version, seen.found) for seen in story.named(e.WarmOverwritten)] == [("1", "3")]
    assert refusal(story.state, Action.ROLLBACK) == (
        "version 1 is not kept warm any more, for its place was seen to serve 3: "
        "deploy it by name, and it goes the way of every version"
    )

    story.deploy("1", 7)
    assert story.live.returns is False


def test_a_way_back_whose_place_was_overwritten_unseen_fails_at_once_and_is_not_tried_twice():
    story = succeeded()
    story.site.candidate = "9"
    begun = story.now
    ended = story.override("rollback", 2).go_to_end()

    assert (ended.phase, ended.ended - begun < MINUTE / 2) == (Phase.FAILED, True)
    assert "web serves 9 where 1 was kept: deploy 1 by name" in ended.reason
    assert "its place was seen to serve 9" in refusal(story.state, Action.ROLLBACK)


def test_who_deploys_the_version_before_by_name_may_take_a_moment_to_put_it_there():
    story = succeeded()
    story.site.candidate = "9"
    story.tell(deploy("1", 2))
    story.tick()
    assert (story.live.returns, story.live.doing) == (True, Doing.PREFLIGHT)

    story.site.candidate = "1"
    assert story.go_to_end().phase is Phase.SUCCEEDED


def failed_return() -> Story:
    story = succeeded(spec(hooks=CONTRACT))
    story.site.healthy = False
    story.override("rollback", 2)
    assert story.go_to_end().phase is Phase.FAILED
    story.site.healthy = True
    return story


def test_a_return_that_failed_loses_nothing_that_the_version_needs():
    story = failed_return()

    assert story.state.warm is not None
    assert (story.state.warm.version, contracts(story)) == ("1", 0)


def test_a_return_that_is_tried_again_is_a_return():
    story = failed_return().override("retry", 3)

    assert story.live.returns
    assert story.go_to_end().phase is Phase.SUCCEEDED
    assert story.site.production == "1"


def test_a_version_that_is_released_as_any_other_keeps_what_it_needs_when_it_has_succeeded():
    story = succeeded(spec(hooks=CONTRACT))
    story.deploy("3", 2)
    story.deploy("1", 3)
    story.override("abort", 2)
    story.go_until(lambda: story.state.live is not None and story.live.id == "shop-3")
    story.go_until(lambda: story.live.doing is Doing.AWAITING_APPROVAL)
    story.override("approve", 3)

    assert story.go_to_end().phase is Phase.SUCCEEDED
    assert contracts(story) == 0


@pytest.mark.parametrize("target", [WEB, APP])
def test_a_version_that_is_there_already_has_succeeded_once_everyone_is_there(target):
    story = Story(spec(targets=(target,)))
    site = story.outside.site(target)
    site.production, site.candidate, site.share = "2", "1", 20_000
    story.tell(deploy("2"))

    assert story.go_to_end().phase is Phase.SUCCEEDED
    assert (site.share, site.production) == (NONE, "2")
