"""What each of Flagger's questions is answered in every situation: y(es), n(o), or u(nknown)."""

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from shared.domain.names import CommandId, Version
from shared.domain.rollout.events import HoldBackEnded
from shared.domain.rollout.flagger import (
    ASLEEP,
    CHECKS,
    GATES,
    UNHEARD_WINDOWS,
    Answer,
    Kind,
    Question,
    Say,
    answer,
    is_alarm,
)
from shared.domain.rollout.spec import Spec
from shared.domain.rollout.weight import ALL, Weight
from tests.unit.domain.outside import NOTHING
from tests.unit.domain.situations import LIVE, NONE_LIVE, ROLLING_BACK, SITUATIONS, situation
from tests.unit.domain.specs import HOUR, MINUTE, bake, canary, spec, target
from tests.unit.domain.states import Story, baking, promoted, succeeded

FIVE, FIFTY = Weight(5_000), Weight(50_000)
ASKED = (
    (Kind.CONFIRM_ROLLOUT, ALL),
    (Kind.PRE_ROLLOUT, ALL),
    (Kind.ROLLOUT, ALL),
    (Kind.CONFIRM_TRAFFIC_INCREASE, FIVE),
    (Kind.CONFIRM_TRAFFIC_INCREASE, FIFTY),
    (Kind.CONFIRM_TRAFFIC_INCREASE, ALL),
    (Kind.CONFIRM_PROMOTION, ALL),
    (Kind.POST_ROLLOUT, ALL),
    (Kind.ROLLBACK, ALL),
    (Kind.EVENT, ALL),
)
OF_THE_CANDIDATE = {
    # start, pre, check, to 5 %, to 50 %, to 100 %, promote, post, rollback, event
    "not registered": "nnn nnn n yny",
    "idle": "nnn nnn n yny",
    "after success": "yyy yyy y yny",
    "after a return": "nnn nnn n yyy",
    "after rollback": "nnn nnn n yyy",
    "after abort": "nnn nnn n yyy",
    "after failure": "nnn nnn n yyy",
    "preflight": "nnn nnn n yny",
    "preflight, paused": "nnn nnn n yny",
    "gate before any weight": "nyy nnn n yny",
    "shifting": "yyy ynn n yny",
    "shifting, paused": "nyy nnn n yny",
    "baking": "yyy ynn n yny",
    "baking, paused": "nyy nnn n yny",
    "baking, timed out": "nuu nnn n yny",
    "gate": "nyy nnn n yny",
    "gate, paused": "nyy nnn n yny",
    "gate, approved": "nyy nnn n yny",
    "gate, approved, paused": "nyy nnn n yny",
    "shifting from 5 %": "yyy yyn n yny",
    "shifting from 5 %, paused": "nyy nnn n yny",
    "swapping, not begun": "yyy yyy n yny",
    "swapping": "yyy yyy n yny",
    "swapping, stuck": "nyy nnn n yny",
    "clearing": "yyy yyy n yny",
    "promotion baking": "yyy yyy n yny",
    "promotion baking, paused": "nyy nnn n yny",
    "ending the promotion": "yyy yyy y yny",
    "hook": "nyy nnn n yny",
    "hook, paused": "nyy nnn n yny",
    "promoting by weight": "yyy yyy n yny",
    "baking by weight": "yyy yyy n yny",
    "baking by weight, paused": "nyy nnn n yny",
    "returning, preflight": "nnn nnn n yyy",
    "returning, swapping": "nnn nnn n yyy",
    "zeroing": "nnn nnn n yyy",
    "swapping back, not begun": "nnn nnn n yyy",
    "swapping back": "nnn nnn n yyy",
    "settling": "nnn nnn n yyy",
}
ALL_YES, ALL_NO = "yyy yyy y yny", "nnn nnn n yny"
OF_THE_STABLE = dict.fromkeys(SITUATIONS, ALL_YES) | {
    "not registered": ALL_NO,
    "idle": ALL_NO,  # nothing was ever seen to serve
    "after success": ALL_NO,
    "after failure": ALL_NO,
    "preflight": ALL_NO,
    "preflight, paused": ALL_NO,
    "returning, preflight": ALL_NO,
    "returning, swapping": "nyy nnn n yny",  # it is the candidate now
}


def question(kind: Kind, version: str = "2", highest: Weight = ALL, **more) -> Question:
    return Question(
        id=CommandId("q"), kind=kind, version=Version(version), canary="test/podinfo", highest=highest, **more
    )


def ask(story: Story, kind: Kind, version: str = "2", highest: Weight = ALL, **more) -> Answer:
    return answer(story.state, question(kind, version, highest, **more), story.now)


def answers(story: Story, version: str) -> str:
    said = "".join(ask(story, kind, version, highest).say[0] for kind, highest in ASKED)
    return f"{said[:3]} {said[3:6]} {said[6]} {said[7:]}"


def test_the_table_has_every_situation_and_every_question():
    assert tuple(OF_THE_CANDIDATE) == tuple(SITUATIONS) == tuple(OF_THE_STABLE)
    assert {kind for kind, _ in ASKED} == set(Kind)


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_cluster_that_brings_the_candidate_is_answered_by_the_table(name):
    assert answers(situation(name), "2") == OF_THE_CANDIDATE[name]


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_cluster_that_catches_up_with_the_stable_version_is_answered_by_the_table(name):
    assert answers(situation(name), "1") == OF_THE_STABLE[name]


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_version_that_nobody_heard_of_gets_no_yes_from_any_gate_or_check_and_is_not_taken_back(name):
    assert answers(situation(name), "77") == ALL_NO


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_freeze_shuts_every_gate_and_neither_fails_a_check_nor_takes_back(name):
    free, frozen = situation(name), situation(name, frozen=True)
    for version, kind in product(("1", "2"), Kind):
        if kind in GATES:
            assert ask(frozen, kind, version, FIVE).say is Say.NO
        else:
            assert ask(frozen, kind, version).say is ask(free, kind, version).say


@pytest.mark.parametrize("name", LIVE)
def test_a_version_that_waits_its_turn_waits_at_every_question(name):
    assert answers(situation(name, pending=True), "3") == ALL_NO


@pytest.mark.parametrize("name", SITUATIONS)
def test_every_answer_says_why(name):
    for kind, highest in ASKED:
        why = ask(situation(name), kind, "2", highest).why
        assert why
        assert "\n" not in why


@pytest.mark.parametrize("name", NONE_LIVE + ROLLING_BACK)
def test_a_rollback_is_only_decided_where_one_was_begun_or_has_ended(name):
    assert (ask(situation(name), Kind.ROLLBACK).say is Say.YES) is (OF_THE_CANDIDATE[name][-2] == "y")


def test_a_gate_is_open_to_the_weight_that_was_proven_and_no_further():
    story = baking()
    assert story.web.proven == FIVE

    assert ask(story, Kind.CONFIRM_TRAFFIC_INCREASE, highest=FIVE).say is Say.YES
    beyond = ask(story, Kind.CONFIRM_TRAFFIC_INCREASE, highest=Weight(6_000))
    assert (beyond.say, beyond.why) == (
        Say.NO,
        "rollout shop-1 has proven 5 %, and this Canary goes up to 6 %",
    )


def test_the_least_proven_target_governs():
    story = baking(spec(targets=("web", "west")))
    web, west = story.live.targets
    live = replace(story.live, targets=(replace(web, proven=ALL), west))
    story.state = replace(story.state, live=live)

    assert ask(story, Kind.CONFIRM_TRAFFIC_INCREASE, highest=FIFTY).say is Say.NO


@pytest.mark.parametrize("kind", sorted(GATES - {Kind.CONFIRM_PROMOTION}))
def test_a_later_wave_waits_until_its_targets_are_released_to(kind):
    first = in_waves(1, 2)
    together = baking(first)
    assert ask(together, kind, highest=FIVE, wave=2).say is Say.YES
    waits = ask(together, kind, highest=FIVE, wave=3)
    assert (waits.say, waits.why) == (Say.NO, "rollout shop-1 is at wave 2, and this Canary belongs to wave 3")

    assert ask(succeeded(first), kind, wave=3).say is Say.YES


@pytest.mark.parametrize("kind", sorted(CHECKS | {Kind.ROLLBACK}))
def test_a_wave_is_no_reason_to_fail_a_check_or_to_go_back(kind):
    assert ask(baking(), kind, wave=9) == ask(baking(), kind, wave=1)


@pytest.mark.parametrize("kind", sorted(GATES | CHECKS))
def test_what_cannot_be_measured_is_unknown_and_never_a_yes(kind):
    story = baking()
    story.site.trouble = "503"
    story.wait(timedelta(minutes=4)).tick()

    assert ask(story, kind, highest=FIVE).say is (Say.NO if kind is Kind.CONFIRM_PROMOTION else Say.UNKNOWN)


@pytest.mark.parametrize("kind", sorted(CHECKS))
def test_before_anything_can_be_known_a_check_is_a_yes_and_no_data_is_unknown_from_then_on(kind):
    """A window of 60 s is seen 120 s after its end, and waited for two windows longer."""
    story = baking()
    story.site.users_meet = NOTHING
    said = []
    for _ in range(10):
        said.append(ask(story, kind).say)
        story.wait(MINUTE).tick()

    assert said == [Say.YES] * 6 + [Say.UNKNOWN] * 4


@pytest.mark.parametrize("kind", sorted(CHECKS))
def test_what_was_never_judged_is_unknown_too_whatever_its_source_leaves_out(kind):
    story = baking()
    measuring = story.live.spec.measuring
    latest = story.live.baking_since + measuring.lag + (2 + UNHEARD_WINDOWS) * measuring.window
    story.state = replace(story.state, live=replace(story.live, look_at=latest))

    story.now = latest
    assert ask(story, kind).say is Say.YES
    story.now += timedelta(seconds=1)
    assert ask(story, kind).say is Say.UNKNOWN
    assert ask(story, kind).why == "rollout shop-1 was not measured at web since 12:00:00 UTC"


@pytest.mark.parametrize("kind", sorted(CHECKS))
def test_where_users_are_let_go_amid_the_bake_the_first_window_after_that_is_waited_for(kind):
    """CI overwrites the place of those who are held back a long time after the promotion."""
    slow = replace(canary(), promotion_bake=replace(bake(), minimum=20 * MINUTE, maximum=HOUR))
    story = promoted(spec(strategy=slow))
    while story.now - story.live.baking_since < 12 * MINUTE:
        story.look()
    story.wait(timedelta(seconds=5)).deploy("3", 2).tick()
    [let_go] = story.named(HoldBackEnded)
    assert story.web.judgement is None

    assert ask(story, kind).say is Say.YES
    measuring = story.live.spec.measuring
    story.now = let_go.at + measuring.lag + (2 + UNHEARD_WINDOWS) * measuring.window + timedelta(seconds=1)
    story.state = replace(story.state, live=replace(story.live, look_at=story.now))
    assert ask(story, kind).say is Say.UNKNOWN
    assert ask(story, kind).why == f"rollout shop-1 was not measured at web since {let_go.at:%H:%M:%S} UTC"


@pytest.mark.parametrize("kind", [Kind.CONFIRM_ROLLOUT, Kind.CONFIRM_TRAFFIC_INCREASE, *sorted(CHECKS)])
def test_a_rollout_that_nobody_looks_at_any_more_is_unknown(kind):
    story = baking()
    assert story.live.look_at is not None

    story.now = story.live.look_at + ASLEEP
    assert ask(story, kind, highest=FIVE).say is Say.YES
    story.now += timedelta(seconds=1)
    assert ask(story, kind, highest=FIVE).say is Say.UNKNOWN
    assert ask(story, Kind.ROLLBACK).say is Say.NO


def test_a_promotion_by_a_persons_word_proves_nothing_to_clusters():
    story = baking().override("promote")

    assert ask(story, Kind.CONFIRM_TRAFFIC_INCREASE, highest=FIFTY).say is Say.NO
    assert ask(story, Kind.CONFIRM_PROMOTION).say is Say.NO


def test_a_version_that_was_given_up_for_a_newer_one_goes_back_while_that_one_is_released():
    story = baking().override("abort")
    story.go_to_end()
    story.deploy("3", 2).tick().settle()

    assert answers(story, "2") == OF_THE_CANDIDATE["after abort"]
    assert ask(story, Kind.CONFIRM_ROLLOUT, "3").say is Say.YES


def test_a_retry_opens_the_gates_again_once_it_has_passed_its_preflight():
    story = situation("after rollback").override("retry")
    assert ask(story, Kind.ROLLBACK).say is Say.NO
    assert ask(story, Kind.CONFIRM_ROLLOUT).say is Say.NO

    story.tick().settle()
    assert ask(story, Kind.CONFIRM_ROLLOUT).say is Say.YES


def test_a_return_that_is_itself_taken_back_leaves_the_version_that_serves_alone():
    story = situation("returning, preflight").override("abort", 91)

    assert ask(story, Kind.ROLLBACK, "2").say is Say.NO
    assert ask(story, Kind.ROLLBACK, "1").say is Say.YES


@pytest.mark.parametrize("kind", list(Kind))
def test_only_the_end_of_a_failed_analysis_is_an_alarm(kind):
    for failed in (True, False):
        asked = question(kind, failed=failed)
        assert is_alarm(baking().state, asked) is (failed and kind is Kind.POST_ROLLOUT)


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_failure_concerns_the_version_that_is_being_released_and_no_other(name):
    story = situation(name)
    live = story.state.live
    released = live is not None and live.version == "2" and name not in ROLLING_BACK

    assert is_alarm(story.state, question(Kind.POST_ROLLOUT, "2", failed=True)) is released
    assert not is_alarm(story.state, question(Kind.POST_ROLLOUT, "77", failed=True))


def in_waves(*waves: int) -> Spec:
    targets = tuple(replace(target(f"web-{wave}"), wave=wave) for wave in waves)
    return replace(spec(strategy=canary()), targets=targets)
