"""Windows that come by themselves: they are looked at when they come, nothing is asked for, and silence is seen too."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.rollout import events as e
from shared.domain.rollout.commands import Tick
from shared.domain.rollout.measuring import Measuring, ObservationsSource
from shared.domain.rollout.needs import needs
from shared.domain.rollout.on_tick import next_look
from shared.domain.rollout.readings import ReadShare, ReadVersion, ReadWindows
from shared.domain.rollout.state import Doing, Phase
from tests.unit.domain.outside import BAD, NOTHING
from tests.unit.domain.situations import SITUATIONS, situation
from tests.unit.domain.specs import BAKE, MINUTE, canary, spec
from tests.unit.domain.states import Story, at_gate, baking, promoted, shifting

WINDOW = timedelta(seconds=15)
PUSHED = spec(measuring=Measuring(window=WINDOW, lag=timedelta(0), source=ObservationsSource()))
NEWS = Tick(news=True)
SOON = timedelta(seconds=1)


@pytest.mark.parametrize("reach", [baking, at_gate, promoted])
def test_a_look_is_not_due_before_a_window_is_known_to_be_late(reach):
    story = reach(PUSHED).tick()
    assert next_look(story.state) - story.now > 2 * WINDOW


def test_news_is_looked_at_when_it_comes():
    story = baking(PUSHED).wait(2 * WINDOW + SOON)
    assert next_look(story.state) > story.now
    story.tell(NEWS)
    assert story.web.analysis.windows > 0
    assert story.web.judgement is not None


def test_a_candidate_that_turns_bad_is_taken_back_by_the_window_that_says_so():
    story = baking(PUSHED)
    story.site.users_meet = BAD
    story.wait(WINDOW + SOON).tell(NEWS)
    assert story.live.phase is Phase.ROLLING_BACK
    assert story.now - story.live.started < 2 * WINDOW


def test_each_window_puts_the_look_for_silence_off():
    story = baking(PUSHED)
    for _ in range(20):
        story.wait(WINDOW).tell(NEWS)
        if story.live.doing is not Doing.BAKING:
            break
        assert next_look(story.state) > story.now + WINDOW or next_look(story.state) == _least_bake(story)


def _least_bake(story: Story):
    return story.live.baking_since + BAKE.minimum


def test_news_that_is_told_twice_changes_nothing():
    story = baking(PUSHED).wait(2 * WINDOW + SOON)
    story.tell(NEWS)
    before = story.state
    for _ in range(3):
        assert story.tell(NEWS).events == ()
    assert story.state == before


@pytest.mark.parametrize("name", SITUATIONS)
def test_news_is_nothing_to_an_application_whose_source_is_asked(name):
    story = situation(name)
    before = story.state
    assert needs(story.state, NEWS, story.now) == ()
    story.tell(NEWS)
    assert story.state == before


@pytest.mark.parametrize("name", ["preflight", "swapping", "zeroing", "swapping back", "settling"])
def test_news_is_nothing_to_a_rollout_that_is_not_measured(name):
    story = situation(name, PUSHED)
    before = story.state
    assert needs(story.state, NEWS, story.now) == ()
    story.tell(NEWS)
    assert story.state == before


def test_while_weights_are_set_news_is_looked_at_too():
    story = shifting(PUSHED).wait(2 * WINDOW + SOON)
    story.site.users_meet = BAD
    assert any(isinstance(need, ReadWindows) for need in needs(story.state, NEWS, story.now))
    story.tell(NEWS)
    assert story.live.phase is Phase.ROLLING_BACK


def test_the_end_of_the_least_bake_is_looked_at_without_news():
    story = baking(PUSHED)
    while story.now < _least_bake(story) - WINDOW:
        story.wait(WINDOW).tell(NEWS)
    ends = _least_bake(story)
    assert next_look(story.state) <= ends
    story.go_to(Doing.AWAITING_APPROVAL)
    assert story.now == ends


def test_silence_is_seen_and_is_never_a_pass():
    story = baking(PUSHED)
    story.site.users_meet = story.site.stable_meets = NOTHING
    story.look()
    assert story.web.judgement.verdict == "no-data"
    story.go_until(lambda: story.live.phase is Phase.ROLLING_BACK)
    assert story.now == story.named(e.BakeStarted)[0].at + BAKE.maximum


def test_a_rollout_that_is_told_of_every_window_is_looked_at_once_for_each():
    story = baking(PUSHED)
    began, looks = story.now, 0
    while story.live.doing is Doing.BAKING and story.now < began + MINUTE:
        story.wait(WINDOW)
        at = next_look(story.state)
        assert at is None or at > story.now, "no look that nobody asked for"
        story.tell(NEWS)
        looks += 1
    assert looks <= 5


# What is read for news


FAST = timedelta(seconds=5)
LATER = replace(canary().steps[0], bake=replace(BAKE, minimum=timedelta(seconds=150)))
QUICK = spec(
    targets=("web", "west"),
    measuring=Measuring(window=FAST, lag=timedelta(0), source=ObservationsSource()),
    strategy=replace(canary(), steps=(LATER, *canary().steps[1:])),
)


def quick() -> Story:
    story = Story(QUICK)
    for name in ("web", "west"):
        story.outside.site(name).candidate = "2"
    return story.deploy().tick().settle()


def checked(story: Story) -> Story:
    """Versions and shares were read just now."""
    story.wait(FAST + SOON).tell(NEWS)
    assert story.live.checked_at == story.now
    return story


def test_versions_and_shares_are_read_once_in_a_quarter_of_a_minute_however_much_news_comes():
    story, read = quick(), []
    began = story.now
    while story.now < began + MINUTE:
        story.wait(timedelta(seconds=1))
        read += [need for need in needs(story.state, NEWS, story.now) if isinstance(need, ReadVersion | ReadShare)]
        story.tell(NEWS)
        assert story.tell_nothing_more()
    assert 0 < len(read) <= 5 * len(QUICK.targets) * 2


def test_for_longer_windows_versions_and_shares_are_read_once_a_window():
    story = baking(spec(measuring=Measuring(window=MINUTE, lag=timedelta(0), source=ObservationsSource())))
    story.wait(MINUTE + SOON).tell(NEWS)
    story.wait(30 * SOON)
    assert {type(need) for need in needs(story.state, NEWS, story.now)} <= {ReadWindows}
    story.wait(30 * SOON)
    assert {type(need) for need in needs(story.state, NEWS, story.now)} == {ReadWindows, ReadShare, ReadVersion}


def test_news_of_windows_alone_takes_a_degraded_candidate_back_at_once():
    story = checked(quick())
    story.outside.site("west").users_meet = BAD
    story.wait(FAST)
    assert {type(need) for need in needs(story.state, NEWS, story.now)} == {ReadWindows}
    story.tell(NEWS)
    assert story.live.phase is Phase.ROLLING_BACK


def test_news_of_windows_that_were_judged_already_decides_nothing():
    story = checked(quick())
    before = story.state
    assert story.wait(SOON).tell(NEWS).events == ()
    assert story.state == before


def _was_not_fit(story: Story) -> None:
    """Something was in the way when the weight had last been watched for a whole minute."""
    live = story.live
    targets = tuple(replace(target, analysis=replace(target.analysis, fit=False)) for target in live.targets)
    story.state = replace(story.state, live=replace(live, targets=targets))


def _before_the_pass() -> Story:
    """All that is lacking is the last window of a minute, and versions were read just before."""
    story = quick()
    assert story.now == story.live.baking_since
    for seconds in (*range(5, 165, 5), 170, 175):
        story.now = story.live.baking_since + timedelta(seconds=seconds)
        if seconds == 145:
            _was_not_fit(story)
        story.tell(NEWS)
        assert story.tell_nothing_more()
    assert (story.live.step, story.now - story.live.checked_at) == (0, FAST)
    return story


def test_news_that_would_move_on_is_checked_at_once_and_then_moves_on():
    story = _before_the_pass()
    story.wait(FAST).tell(NEWS)
    assert (story.live.step, next_look(story.state)) == (0, story.now)
    story.tick()
    assert story.live.step == 1


def test_news_never_moves_on_where_another_version_is_served_since():
    story = _before_the_pass()
    story.site.candidate = "9"
    story.wait(FAST).tell(NEWS)
    story.tick()
    assert story.named(e.StepPassed) == []
    assert story.live.phase is Phase.ROLLING_BACK


def test_news_never_moves_on_where_versions_cannot_be_read():
    story = _before_the_pass()
    story.outside.unreadable_versions = True
    for _ in range(6):
        story.wait(FAST).tell(NEWS)
        assert story.tell_nothing_more()
    assert (story.live.step, story.named(e.StepPassed)) == (0, [])
