"""Saving one flag or segment breaks no other: neither those that need it nor those that need those."""

import pytest

from shared.domain.flags.managing.breaking import problems_of_saving, problems_of_saving_segment
from shared.domain.flags.model import EVERYBODY, All, InSegment, Not, Prerequisite, SegmentRule
from tests.unit.domain.flags.flags import flag, on_if, segment
from tests.unit.domain.flags.patterns import python_regexes


def needing(key, *others):
    return flag(key, prerequisites=tuple(Prerequisite(other, ("on",)) for other in others))


def chain(letter, count):
    """Flags of which each needs the one before."""
    return [needing(f"{letter}{at}", *([f"{letter}{at - 1}"] if at else [])) for at in range(count)]


def nested(condition, levels, wrap=Not):
    for _ in range(levels):
        condition = wrap(condition)
    return condition


def asking(key, *others, levels=0):
    condition = nested(InSegment(others) if others else EVERYBODY, levels)
    return segment(key, rules=(SegmentRule(condition=condition),))


def segments_in_a_row(letter, count):
    return [asking(f"{letter}{at}", *([f"{letter}{at - 1}"] if at else [])) for at in range(count)]


def by_key(*all_of_them):
    return {each.key: each for each in all_of_them}


def of_flag(saved, flags, segments=()):
    return [str(each) for each in problems_of_saving(saved, by_key(*flags), by_key(*segments), regexes=python_regexes)]


def of_segment(saved, flags, segments):
    known = by_key(*segments)
    return [str(each) for each in problems_of_saving_segment(saved, by_key(*flags), known, regexes=python_regexes)]


def test_a_longer_foot_names_the_far_flag_whose_chain_would_be_too_long():
    flags = [*chain("x", 8), *chain("ch", 16)]

    problems = of_flag(needing("x0", "ch14"), flags)

    assert [problem.split(" needs ")[0] for problem in problems] == ["variants: flag x6", "variants: flag x7"]
    assert "prerequisites nest deeper than 20 levels" in problems[0]


def test_a_foot_that_stays_short_enough_is_no_problem():
    assert of_flag(needing("x0", "ch14"), [*chain("x", 6), *chain("ch", 16)]) == []


def test_what_is_broken_already_stands_in_nobodys_way():
    circle = [needing("a", "b", "x0"), needing("b", "a")]

    assert of_flag(flag("x0", description="other words"), [flag("x0"), *circle]) == []


def test_a_variant_that_a_flag_needs_cannot_go_and_what_was_missing_before_is_not_held_against_it():
    user = needing("user", "x0", "gone")

    assert of_flag(flag("x0", description="other words"), [flag("x0"), user]) == []
    [problem] = of_flag(flag("x0", variants=flag().variants[1:]), [flag("x0"), user])
    assert "flag user needs this flag" in problem
    assert "'on' is no variant of x0" in problem


def test_a_deeper_segment_names_the_flags_and_segments_far_above_it():
    row = segments_in_a_row("y", 12)
    user = on_if(nested(InSegment(("y11",)), 4, lambda each: All((each,))), key="uy")
    other = on_if(InSegment(("y2",)), key="fine")

    problems = of_segment(asking("y0", levels=8), [user, other], row)

    assert [problem.split(" asks ")[0] for problem in problems] == ["rules: flag uy"]
    assert "nest deeper than 20 levels" in problems[0]
    assert of_segment(asking("y0", levels=3), [user, other], row) == []


def test_a_segment_that_no_flag_asks_yet_is_not_broken_either():
    problems = of_segment(asking("y0", levels=15), [], segments_in_a_row("y", 8))

    assert problems
    assert all("segment y" in problem for problem in problems)


@pytest.mark.parametrize("levels", [0, 3])
def test_who_asks_a_broken_segment_is_no_reason_to_refuse_its_repair(levels):
    row = [asking("y0", "y1"), asking("y1", "y0"), asking("y2", "y1")]

    assert of_segment(asking("y0", levels=levels), [on_if(InSegment(("y2",)), key="uy")], row) == []
