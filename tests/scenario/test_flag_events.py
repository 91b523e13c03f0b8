"""A ramp that is judged on what the application reports of a flag's variants, and nothing else."""

from datetime import timedelta
from typing import Any

import pytest

from shared.application.access import Access
from shared.application.flag_events import TakenEvents
from shared.application.observed import Taken
from shared.bootstrap import Outside, build
from shared.domain.errors import InvalidError, RejectedError
from shared.wire.flag_events import parse_flag_events
from shared.wire.spec import parse_spec
from tests.scenario.flag_world import KEY, LIVE, SPLIT, FlagWorld
from tests.scenario.world import NOON

WINDOW = timedelta(seconds=15)
USERS = 300
VISITS = 4
"""How often a user comes in a window."""
SPEC = f"""
application: shop
targets: [{{name: checkout, kind: feature-flag, resource: {SPLIT}, variant: green}}]
strategy:
  canary: {{steps: [5, 25], bake: {{min: 1m, max: 30m}}, promotion: {{bake: {{min: 1m, max: 1h}}}}}}
metrics:
  window: 15s
  source: {{kind: observations}}
  values: [{{name: orders, kind: counter}}]
guards:
  - {{name: errors, metric: error-rate, max: 5%, over: 1m, minimumRequests: 20}}
  - {{name: compared, metric: error-rate, ratio: {{max: 1.5, slack: 1%}}, over: 1m, minimumRequests: 20}}
"""


class Reporting(FlagWorld):
    """An application that asks for the flag and reports what its users met, at the end of each window."""

    def __init__(self, folder, **fails: float) -> None:
        self.fails = {"blue": 0.01, "green": 0.01, **fails}
        self.seen: list[dict[str, float]] = []
        super().__init__(folder, SPEC, deploy_first=False)
        self.settle()

    def start(self) -> None:
        super().start()
        site = self.site
        outside = Outside(
            router=site,
            audience=site,
            finder=site,
            promoter=site,
            probe=site,
            metrics={},
            notifier=self.notifier,
            hooks=self.hooks,
        )
        self.app = build(self.keeping, outside, Access({}, {}), self.clock)

    def live(self, windows: int) -> None:
        for _ in range(windows):
            served = [
                self.app.evaluations.one(LIVE, KEY, {"targetingKey": f"user-{number}"}) for number in range(USERS)
            ]
            counts = {
                name: VISITS * sum(each is not None and each.variant == name for each in served) for name in self.fails
            }
            start = self.clock.time
            self.run_for(WINDOW)
            self.seen.append(counts)
            self.report(self.document(start, counts))

    def document(self, start, counts: dict[str, float]) -> dict[str, Any]:
        variants = {
            name: {"requests": count, "failures": round(count * self.fails[name]), "values": {"orders": count // 9}}
            for name, count in counts.items()
        }
        window = {"window": start.isoformat(), "seconds": WINDOW.total_seconds()}
        return {"flag": KEY, "environment": LIVE, **window, "sender": "shop-1", "variants": variants}

    def report(self, document: Any) -> Taken:
        return self.told(document).taken

    def told(self, document: Any) -> TakenEvents:
        taken = self.app.flag_events.take(parse_flag_events(document, sender="anonymous"))
        self.settle()
        return taken

    def live_until_the_end(self, rollout) -> str:
        for _ in range(400):
            self.live(1)
            if self.rollout(rollout)["ended"]:
                return self.phase(rollout)
        raise AssertionError(self.rollout(rollout))


def test_a_good_variant_goes_all_the_way_on_what_its_users_met(tmp_path):
    world = Reporting(tmp_path)
    world.live(20)

    assert world.live_until_the_end(world.announce("2.4.1")) == "succeeded"
    world.live(1)
    assert world.seen[-1] == {"blue": 0, "green": USERS * VISITS}


def test_a_bad_variant_is_taken_back_by_itself_before_many_have_met_it(tmp_path):
    world = Reporting(tmp_path, green=0.4)
    world.live(20)
    rollout = world.announce("2.4.1")

    assert world.live_until_the_end(rollout) == "rolled-back"
    assert max(counts["green"] for counts in world.seen) < 0.1 * USERS * VISITS
    judged = [line for line in world.events(rollout) if line["type"] == "RollbackBegun"]
    assert "errors" in str(judged)
    world.live(1)
    assert world.seen[-1]["green"] == 0


def test_no_rollout_begins_while_nobody_reports_what_users_of_the_stable_variant_meet(tmp_path):
    world = Reporting(tmp_path)
    rollout = world.announce("2.4.1")
    world.run_for(timedelta(minutes=2))

    assert "nobody pushed observations of version blue" in world.rollout(rollout)["reason"]


def test_the_same_report_again_is_a_repeat_and_what_is_wrong_is_said_by_its_place(tmp_path):
    world = Reporting(tmp_path)
    counts = {"blue": 10.0, "green": 1.0}
    good = world.document(NOON, counts)
    assert (world.report(good).accepted, world.report(good).repeated) == (2, 2)

    unknown = {**good, "flag": "nobody-releases-this"}
    late = world.document(NOON - timedelta(hours=3), counts)
    odd = {
        **good,
        "window": (NOON + WINDOW).isoformat(),
        "variants": {"blue": {**good["variants"]["blue"], "values": {"tips": 1}}},
    }
    world.clock.time += WINDOW
    taken = world.report({"events": [unknown, late, odd, {**good, "environment": "moon"}]})
    assert taken.accepted == 0
    said = {refusal.index: str(refusal.error) for refusal in taken.refused}
    assert "no application releases flag production/nobody-releases-this" in said[0]
    assert "events[1].variants" in said[1]
    assert "events[2].variants.blue.values.tips" in said[2]
    assert "events[3].environment" in said[3]
    with pytest.raises(RejectedError):
        taken.check()


def test_a_variant_or_a_flag_that_is_not_there_is_refused_by_itself_and_the_rest_is_taken(tmp_path):
    world = Reporting(tmp_path)
    good = world.document(NOON, {"blue": 10.0, "green": 1.0})
    mistyped = {**good, "variants": {"blue": good["variants"]["blue"], "gren": good["variants"]["green"]}}
    taken = world.report({"events": [mistyped]})
    assert taken.accepted == 1
    [refusal] = taken.refused
    assert str(refusal.error) == f"events[0].variants.gren: flag {LIVE}/{KEY} has only blue, green"

    refused = {"gone": "there is no flag production/gone", f"{KEY}#rule:none": "rule none of flag"}
    for name, (split, why) in zip(("cart", "till"), refused.items(), strict=True):
        target = f"{{name: other, kind: feature-flag, resource: '{SPLIT.replace(KEY, split)}', variant: green}}"
        text = f"application: {name}\ntargets: [{target}]\n" + SPEC.partition("variant: green}]\n")[2]
        world.app.intake.accept_spec(parse_spec(text.encode(), "application/yaml"), "test")
        world.settle()
        flag, _, rule = split.partition("#rule:")
        with pytest.raises(RejectedError, match=why):
            world.report({**good, "flag": flag, **({"rule": rule} if rule else {})}).check()


def test_what_nobody_is_judged_by_is_taken_and_said_so(tmp_path):
    world = Reporting(tmp_path)
    told = world.told(world.document(NOON, {"blue": 10.0, "green": 1.0}))
    assert [(each.index, each.words) for each in told.notes] == [
        (0, f"no rollout drives flag {LIVE}/{KEY} now: nobody is judged by this")
    ]

    world.live(20)
    world.announce("2")
    while not world.state.drivers:
        world.live(1)
    told = world.told(world.document(world.clock.time, {"blue": 10.0, "green": 1.0}))
    assert (told.taken.accepted, told.notes) == (2, ())


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"flag": "no key!"}, "flag"),
        ({"flag": None}, "flag"),
        ({"variants": {}}, "variants"),
        ({"variants": {"blue": 3}}, "variants.blue"),
        ({"variants": {"blue": {"requests": 1, "failures": 2}}}, "variants.blue.failures"),
        ({"variants": {"blue": {"requests": 1, "failures": 0, "hits": 2}}}, "variants.blue.hits"),
        ({"variants": {f"v{number}": {"requests": 1, "failures": 0} for number in range(21)}}, "variants"),
        ({"rule": "a", "region": "eu"}, "region"),
        ({"region": "EU"}, "region"),
        ({"seconds": 0}, "seconds"),
        ({"window": "2026-11-23T12:00:01Z"}, "window"),
        ({"weight": 1}, "weight"),
        ({"variants": None}, "variants"),
    ],
)
def test_a_report_that_is_wrong_names_the_field(change, path):
    good = {
        "flag": KEY,
        "window": "2026-11-23T12:00:00Z",
        "seconds": 15,
        "variants": {"blue": {"requests": 1, "failures": 0}},
    }
    assert parse_flag_events(good, sender="me")[0].sender == "me"

    with pytest.raises(InvalidError) as refused:
        parse_flag_events({**good, **change}, sender="me")
    assert path in [problem.path for problem in refused.value.problems]
