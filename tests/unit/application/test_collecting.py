"""The collector of garbage is kept away from flags that are made at once, and nothing is lost by that."""

import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from weakref import ref

import pytest

from shared.application.collecting import made_to_stay
from shared.domain.flags.compile import compile_flags
from shared.domain.flags.model import InSegment, Prerequisite, Rule
from tests.unit.domain.flags.flags import flag, segment
from tests.unit.domain.flags.patterns import python_regexes


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


def test_nothing_is_collected_within_and_what_was_made_is_not_looked_through_after():
    gc.unfreeze()
    with made_to_stay():
        assert not gc.isenabled()
        kept = [[number] for number in range(5_000)]
    assert gc.isenabled()
    assert gc.get_freeze_count() >= len(kept)


def test_what_others_left_for_the_collector_is_kept_from_it_once_and_no_more():
    gc.unfreeze()
    with made_to_stay():
        pass
    first = gc.get_freeze_count()
    with made_to_stay():
        kept = [[number] for number in range(5_000)]
    assert gc.get_freeze_count() <= first
    assert len(kept) == 5_000


def test_a_process_that_collects_nothing_goes_on_so():
    gc.disable()
    with made_to_stay():
        pass
    assert not gc.isenabled()


def test_of_two_threads_the_last_one_lets_the_collector_go_on():
    both, one_left = Barrier(2), Barrier(2)

    def first() -> None:
        with made_to_stay():
            both.wait(10)
        one_left.wait(10)

    def second() -> bool:
        with made_to_stay():
            both.wait(10)
            one_left.wait(10)
            return gc.isenabled()

    with ThreadPoolExecutor(2) as threads:
        leaves, stays = threads.submit(first), threads.submit(second)
        leaves.result(10)
        assert not stays.result(10)
    assert gc.isenabled()


def test_the_collector_goes_on_where_something_fails_within():
    with pytest.raises(ZeroDivisionError), made_to_stay():
        _ = 1 // 0
    assert gc.isenabled()


def test_flags_that_nobody_serves_any_more_go_without_the_collector():
    """What is never looked through must hold itself in no circle, or each change would leave all flags behind."""
    gc.collect()
    with made_to_stay():
        needed = flag(key="needed", default="on")
        rule = Rule(id="r", condition=InSegment(("beta",)), serve="on")
        needs = flag(key="needs", prerequisites=(Prerequisite("needed", ("on",)),), rules=(rule,))
        ruleset = compile_flags([needed, needs], [segment(key="beta")], regexes=python_regexes)
        assert ruleset.uncompiled == 2
        found = ruleset.evaluate_all({"targetingKey": "ann"}, now=0.0, region="")
        assert [each.variant for each in found] == ["on", "off"]
        assert ruleset.uncompiled == 0
        gone = ref(ruleset._programs)
    gc.disable()
    del ruleset
    assert gone() is None
