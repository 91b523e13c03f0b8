"""Who would get another variant."""

from shared.domain.flags.changes import MOST_EXAMPLES, changes_of
from shared.domain.flags.compile import compile_flags
from shared.domain.flags.model import WHOLE, Share, Split
from tests.unit.domain.flags.flags import NOON, flag
from tests.unit.domain.flags.patterns import python_regexes

SAMPLE = [{"targetingKey": f"user-{number}"} for number in range(1000)]


def rules(percent):
    shares = (Share("on", percent * 1000), Share("off", WHOLE - percent * 1000))
    return compile_flags([flag(default=Split(shares=shares, seed="checkout"))], [], regexes=python_regexes)


def moves(before, after):
    return {
        (each.before, each.after): each for each in changes_of("checkout", before, after, SAMPLE, now=NOON, region="")
    }


def test_a_growing_percentage_gives_the_variant_to_some_and_takes_it_from_nobody():
    found = moves(rules(20), rules(50))
    assert set(found) == {("on", "on"), ("off", "off"), ("off", "on")}
    assert sum(each.count for each in found.values()) == len(SAMPLE)
    assert 240 < found["off", "on"].count < 360


def test_a_few_of_those_who_change_are_shown_and_none_who_does_not():
    found = moves(rules(20), rules(50))
    assert len(found["off", "on"].examples) == MOST_EXAMPLES
    assert found["on", "on"].examples == ()
    example = found["off", "on"].examples[0]
    assert (example.before.variant, example.after.variant) == ("off", "on")
    assert example.context in SAMPLE


def test_a_flag_that_is_new_has_no_variant_before():
    nothing = compile_flags([], [], regexes=python_regexes)
    assert set(moves(nothing, rules(100))) == {("", "on")}


def test_the_most_frequent_comes_first():
    counts = [each.count for each in changes_of("checkout", rules(5), rules(50), SAMPLE, now=NOON, region="")]
    assert counts == sorted(counts, reverse=True)
