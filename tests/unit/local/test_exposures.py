"""The shop's page counts what visitors met of each variant, window by window, until a report was taken."""

from local.shop.checkout_flag import ENVIRONMENT, FLAG, VARIANTS, WINDOW_SECONDS
from local.shop.exposures import Exposures
from local.stack import ROOT
from shared.wire.flag_events import parse_flag_events
from shared.wire.flag_split import parse_flag_split
from shared.wire.flags.document import parse_flag
from shared.wire.spec import parse_spec

SHOP = ROOT / "local" / "shop"


def exposures():
    return Exposures("checkout", "production", ("old", "new"), 5, sender="page-1")


def nothing():
    return {"requests": 0, "failures": 0, "values": {"orders": {"value": 0, "of": 0}}}


def test_a_window_tells_of_each_variant_what_visitors_met_and_nothing_where_nobody_met_it():
    counted = exposures()
    for _ in range(3):
        counted.show("old", now=101.0)
    counted.check_out("old", now=104.9, is_lost=False)
    counted.check_out("old", now=104.9, is_lost=True)

    assert counted.report(100) == {
        "flag": "checkout",
        "environment": "production",
        "window": 100,
        "seconds": 5,
        "sender": "page-1",
        "variants": {
            "old": {"requests": 2, "failures": 1, "values": {"orders": {"value": 1, "of": 3}}},
            "new": nothing(),
        },
    }


def test_only_windows_that_are_over_are_told_the_oldest_first():
    counted = exposures()
    for now in (106.0, 101.0, 110.0):
        counted.show("new", now=now)

    assert counted.ended(now=110.0) == (100, 105)
    assert counted.ended(now=114.9) == (100, 105)
    assert counted.ended(now=115.0) == (100, 105, 110)


def test_a_window_is_kept_until_it_is_forgotten():
    counted = exposures()
    counted.show("new", now=101.0)

    assert counted.ended(now=200.0) == (100,)
    counted.forget(100)
    assert counted.ended(now=200.0) == ()


def test_a_report_is_one_that_slipway_takes():
    counted = exposures()
    counted.show("new", now=101.0)
    counted.check_out("new", now=102.0, is_lost=True)

    (report,) = parse_flag_events(counted.report(100), sender="nobody")
    figures = {name: (sample.requests, sample.failures) for name, sample in report.variants}
    assert (report.sender, figures) == ("page-1", {"old": (0, 0), "new": (1, 1)})


def test_the_page_the_flag_and_the_release_spec_agree():
    flag = parse_flag((SHOP / "checkout-flag.yaml").read_bytes(), "application/yaml")
    spec = parse_spec((SHOP / "flagged.yaml").read_bytes(), "application/yaml")

    assert (flag.key, tuple(sorted(each.name for each in flag.variants))) == (FLAG, tuple(sorted(VARIANTS)))
    split = parse_flag_split(spec.targets[0].resource)
    assert (split.environment, split.flag) == (ENVIRONMENT, FLAG)
    assert spec.measuring.window.total_seconds() == WINDOW_SECONDS
