"""How App Service's edge deals, pins and forces clients."""

from dataclasses import replace
from random import Random

import pytest

from local.cloud.routing import Route, choose_route
from local.cloud.state import Deployment, RoutingRule, Site, Slot

PRODUCTION = Slot("production", 21001, Deployment("1"))
CANDIDATE = Slot("candidate", 21002, Deployment("2"))
OTHER = Slot("other", 21003, Deployment("3"))
BARE = Site(subscription="s", resource_group="g", name="shop", slots=(PRODUCTION, CANDIDATE, OTHER))


def ruled(*weights):
    rules = (
        RoutingRule(name, slot.host_name, weight)
        for (name, weight), slot in zip(weights, (CANDIDATE, OTHER), strict=False)
    )
    return replace(BARE, rules=tuple(rules))


class Drawn(Random):
    """Chance that always draws the same, so that a test can stand on a border."""

    def __init__(self, value):
        super().__init__()
        self.value = value
        self.draws = 0

    def random(self):
        self.draws += 1
        return self.value


def test_without_rules_production_serves_and_nobody_is_pinned():
    assert choose_route(BARE, "/", "", Drawn(0.0)) == Route("production")


@pytest.mark.parametrize(
    ("drawn", "slot", "pin"),
    [
        (0.0, "candidate", "canary"),
        (0.2499, "candidate", "canary"),
        (0.25, "other", "blue"),
        (0.2999, "other", "blue"),
        (0.3, "production", "self"),
        (0.9999, "production", "self"),
    ],
)
def test_a_new_client_is_dealt_by_the_weights_and_pinned(drawn, slot, pin):
    site = ruled(("canary", 25), ("blue", 5))

    assert choose_route(site, "/", "theme=dark", Drawn(drawn)) == Route(slot, pin=pin)


def test_nobody_new_is_dealt_to_a_rule_of_weight_0():
    assert choose_route(ruled(("canary", 0)), "/", "", Drawn(0.0)) == Route("production", pin="self")


def test_everybody_new_is_dealt_to_a_rule_of_weight_100():
    assert choose_route(ruled(("canary", 100)), "/", "", Drawn(0.99999999)).slot == "candidate"


@pytest.mark.parametrize("weight", [0, 5, 100])
def test_a_pinned_client_stays_where_it_is_at_any_weight_and_costs_no_chance(weight):
    chance = Drawn(0.5)

    assert choose_route(ruled(("canary", weight)), "/", "a=b; x-ms-routing-name=canary", chance) == Route("candidate")
    assert choose_route(ruled(("canary", weight)), "/", "x-ms-routing-name=self; a=b", chance) == Route("production")
    assert chance.draws == 0


def test_a_cookie_that_names_a_slot_routes_there_after_its_rule_is_gone():
    assert choose_route(BARE, "/", "x-ms-routing-name=candidate", Drawn(0.9)) == Route("candidate")


def test_a_cookie_that_names_nothing_is_dealt_anew():
    site = ruled(("canary", 100))

    assert choose_route(site, "/", "x-ms-routing-name=gone", Drawn(0.1)) == Route("candidate", pin="canary")


@pytest.mark.parametrize(
    ("target", "slot", "pin"),
    [
        ("/?x-ms-routing-name=self", "production", "self"),
        ("/a?b=c&x-ms-routing-name=candidate", "candidate", "candidate"),
        ("/?x-ms-routing-name=nowhere", "production", "self"),
    ],
)
def test_the_query_string_forces_a_place_whatever_the_cookie_says(target, slot, pin):
    site = ruled(("canary", 50))

    route = choose_route(site, target, "x-ms-routing-name=canary", Drawn(0.0))

    assert route == Route(slot, pin=pin, forced=True)


def test_a_path_that_only_looks_like_a_query_forces_nothing():
    assert not choose_route(ruled(("canary", 0)), "/x-ms-routing-name=self", "", Drawn(0.0)).forced


def test_the_share_of_many_clients_is_the_weight():
    site, chance = ruled(("canary", 5)), Random(11)

    candidates = sum(choose_route(site, "/", "", chance).slot == "candidate" for _ in range(100_000))

    assert abs(candidates / 100_000 - 0.05) < 3 * (0.05 * 0.95 / 100_000) ** 0.5
