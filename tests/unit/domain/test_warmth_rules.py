"""The version before is kept for a while to take everyone back in one hop; what only it needs goes after that."""

import pytest

from shared.domain.rollout import events as e
from shared.domain.rollout.spec import Stage
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


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_version_that_is_deployed_by_name_in_a_freeze_waits_also_when_it_could_return_at_once(version):
    """Else CI would bring back what was just taken away, while everybody is told that nothing moves."""
    story = succeeded()
    if version == "2":
        story.override("rollback", 2)
        story.go_to_end()
    story.override("freeze").deploy(version, 7).wait(HOUR).tick()
    assert (story.state.live, story.state.pending and story.state.pending.returns) == (None, True)

    assert story.override("unfreeze").live.phase is Phase.PROGRESSING
    story.override("freeze").wait(HOUR).tick()
    assert (story.live.doing, story.site.production != version) == (Doing.PREFLIGHT, True)


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
