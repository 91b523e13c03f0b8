"""Flags as targets: users follow the ramp and keep what they have, the kill switch ends it, a return finds its way."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from math import sqrt

import pytest

from shared.domain.errors import RejectedError
from shared.domain.flags.managing.commands import Drive, Revive
from shared.domain.flags.model import EVERYBODY, WHOLE, RegionOverride, Rule, Share, Split, Variant
from shared.domain.names import ApplicationName, CommandId, RolloutId, VariantName, Version
from shared.domain.rollout.spec import Place
from shared.domain.rollout.weight import ALL
from shared.wire.spec import parse_spec
from tests.scenario.flag_world import BLUE, GREEN, KEY, LIVE, SPLIT, FlagWorld, checkout
from tests.scenario.kills import KilledError, Killer, killable_keeping
from tests.scenario.world import SHOP, SITE

USERS = 2_000
AGE = timedelta(seconds=5)
FLAG = f"{{name: checkout, kind: feature-flag, resource: {SPLIT}, variant: green}}"
WEB = f"{{name: web, kind: app-service-slot, resource: {SITE}, slot: candidate}}"
SPEC = """
application: shop
targets: [FLAG]
strategy:
  canary:
    steps: [1, 5, 25]
    bake: {min: 2m, max: 30m}
    promotion: {bake: {min: 3m, max: 1h}}
metrics:
  window: 1m
  lag: 0s
  source: {kind: prometheus, url: https://prometheus.example, requests: hits, failures: misses, versionLabel: variant}
guards: [{name: errors, metric: error-rate, max: 5%, over: 3m, minimumRequests: 20}]
"""


def spec(*targets: str) -> str:
    return SPEC.replace("[FLAG]", f"[{', '.join(targets or (FLAG,))}]")


@pytest.fixture
def world(tmp_path):
    return made(tmp_path)


def made(folder, *targets: str, **options) -> FlagWorld:
    folder.mkdir(parents=True, exist_ok=True)
    made = FlagWorld(folder, spec(*targets), deploy_first=False, **options)
    made.site.lag = timedelta(0)
    for target in made.spec.targets:
        made.site.deploy(target, Place.PRODUCTION, "1")
        made.site.deploy(target, Place.CANDIDATE, "2")
    made.settle()
    return made


def enrolled(world, region: str = "", variant: str = "new") -> set[str]:
    """Who gets the new variant, of two thousand users that ask a worker for it."""
    if world.app.flags.served(LIVE).content.head.etag is None:
        world.start()
    world.app.flags.latest(LIVE)
    users = [f"user-{number}" for number in range(USERS)]
    more = {"region": region} if region else {}
    answers = {user: world.app.evaluations.one(LIVE, KEY, {"targetingKey": user, **more}) for user in users}
    return {user for user, answer in answers.items() if answer is not None and answer.value == variant}


def reach(world, weight: float) -> None:
    """Go on until users have the weight and every worker serves it."""
    [first, *_] = [target for target in world.spec.targets if target.resource.startswith("flag:")]
    world.run_until(lambda: world.site.read_share(first) == weight * 1_000)
    world.run_for(AGE)


def test_users_follow_the_ramp_within_three_standard_errors_and_nobody_who_is_in_falls_out(world):
    rollout = world.announce("2.4.1")
    before: set[str] = set()
    for percent in (1, 5, 25, 95):
        reach(world, percent)
        now = enrolled(world)
        wanted = percent / 100
        assert abs(len(now) / USERS - wanted) <= 3 * sqrt(wanted * (1 - wanted) / USERS), percent
        assert before <= now, "who has it keeps it"
        before = now

    assert world.run_to_end(rollout) == "succeeded"
    world.run_for(AGE)
    assert len(enrolled(world)) == USERS
    assert (world.flag.default, world.state.drivers) == (GREEN, ())
    assert "SwapBegun" not in world.happened(rollout)


def test_the_version_names_the_variant_where_the_spec_names_none(tmp_path):
    world = made(tmp_path, FLAG.replace(", variant: green", ""))

    assert world.run_to_end(world.announce("green")) == "succeeded"
    assert world.flag.default == GREEN
    back = world.override("rollback")
    assert world.run_to_end(back) == "succeeded"
    assert world.flag.default == BLUE
    assert world.run_to_end(world.announce("blue")) == "succeeded", "production serves it already"
    assert world.run_to_end(world.announce("2.4.1")) == "failed"


def test_nobody_else_writes_what_is_driven_and_the_refusal_names_the_rollout(world):
    rollout = world.announce("2")
    reach(world, 5)

    for write in (world.save, lambda flag: world.app.flag_views.dry_run(LIVE, flag, ())):
        with pytest.raises(RejectedError, match=f"rollout {rollout} drives the default of this flag"):
            write(checkout())
    world.save(replace(world.flag, owner="checkout-team"))
    assert world.run_to_end(rollout) == "succeeded"
    world.save(checkout(owner="checkout-team"))


@pytest.mark.parametrize("percent", [1, 25, 95])
def test_the_kill_switch_works_at_once_and_ends_the_rollout_without_waiting_for_the_next_look(world, percent):
    rollout = world.announce("2")
    reach(world, percent)
    at = world.clock.time
    world.kill(by="alice", why="it loses orders")

    world.settle()
    assert world.clock.time == at, "no time has passed"
    assert world.share() == 0
    view = world.rollout(rollout)
    assert (view["phase"], view["reason"]) == (
        "rolled-back",
        f"flag {LIVE}/{KEY}: the flag was killed by alice: it loses orders",
    )
    assert (world.flag.killed, world.flag.default, world.state.drivers) == (True, BLUE, ())
    world.run_for(AGE)
    assert enrolled(world) == set()


def test_a_flag_that_is_killed_and_revived_is_killed_for_the_next_rollout_too(world):
    for version in ("2", "3"):
        rollout = world.announce(version)
        reach(world, 5)
        world.kill()
        assert world.run_to_end(rollout) == "rolled-back"
        world.app.flag_changes.tell(LIVE, KEY, Revive(by="alice", why=""))


@pytest.mark.parametrize(
    ("at", "after"), [(2, True), (3, False), (4, False), (4, True), (5, True), (6, False), (7, False)]
)
def test_a_rollout_that_hears_nothing_of_the_kill_because_its_worker_dies_hears_it_from_the_sweep(world, at, after):
    rollout = world.announce("2")
    reach(world, 5)
    heard = world.change
    world.change = lambda keeping: heard(killable_keeping(Killer(at, after=after))(keeping))
    world.start()
    with pytest.raises(KilledError):
        world.kill()
    world.change = heard
    world.start()

    assert world.run_to_end(rollout) == "rolled-back"


def test_a_kill_that_its_rollout_has_not_heard_of_cannot_be_taken_back(world):
    rollout = world.announce("2")
    reach(world, 5)
    heard = world.change
    world.change = lambda keeping: heard(killable_keeping(Killer(4, after=True))(keeping))
    world.start()
    with pytest.raises(KilledError):
        world.kill()
    world.change = heard
    world.start()

    with pytest.raises(RejectedError, match=f"rollout {rollout} is still being told"):
        world.app.flag_changes.tell(LIVE, KEY, Revive(by="alice", why=""))
    assert world.run_to_end(rollout) == "rolled-back"
    world.app.flag_changes.tell(LIVE, KEY, Revive(by="alice", why=""))


def test_a_kill_ends_every_rollout_that_drives_a_split_of_the_flag(world):
    cart = ApplicationName("cart")
    other = spec().replace("application: shop", "application: cart").replace(SPLIT, f"'{SPLIT}#region:eu'")
    parsed = parse_spec(other.encode(), "application/yaml")
    world.site.deploy(parsed.targets[0], Place.PRODUCTION, "1")
    world.site.deploy(parsed.targets[0], Place.CANDIDATE, "2")
    world.app.intake.accept_spec(parsed, "test")
    rollouts = (
        world.announce("2"),
        world.app.intake.accept_deployment(cart, Version("2"), CommandId("cart-2"), "ci").rollout,
    )
    world.run_until(lambda: len(world.state.drivers) == 2)
    world.kill()
    world.settle()

    for rollout in rollouts:
        assert world.run_to_end(rollout) == "rolled-back"
        assert "killed by alice" in world.rollout(rollout)["reason"]
    assert world.state.drivers == ()


def test_an_experiment_keeps_users_at_their_variant_and_promotes_the_winner(tmp_path):
    compared = "experiment: {weight: 50, ends: {after: 2h}, promote: winner, bake: {min: 3m, max: 1h}}"
    text = spec().partition("strategy:")[0] + f"strategy: {{{compared}}}\nmetrics:" + spec().partition("metrics:")[2]
    world = FlagWorld(tmp_path, text, deploy_first=False)
    world.site.lag = timedelta(0)
    world.site.deploy(world.target, Place.PRODUCTION, "1", error_rate=0.04)
    world.site.deploy(world.target, Place.CANDIDATE, "2", error_rate=0.005)
    rollout = world.announce("2")
    reach(world, 50)
    once = enrolled(world)
    world.run_for(timedelta(hours=1))

    assert enrolled(world) == once
    assert abs(len(once) / USERS - 0.5) < 0.04
    assert world.run_to_end(rollout) == "succeeded"
    assert world.flag.default == GREEN


def test_an_alert_takes_everybody_back_in_one_hop(world):
    rollout = world.announce("2")
    reach(world, 25)
    at = world.clock.time
    world.alert(resource=SPLIT)
    world.settle()

    assert (world.share(), world.clock.time) == (0, at)
    assert world.run_to_end(rollout) == "rolled-back"


def test_an_alert_about_what_serves_the_flags_users_takes_them_back_too(world):
    insights = SITE.replace("Microsoft.Web/sites", "Microsoft.Insights/components")
    world.respec(alert_resources=(insights,))
    world.settle()
    rollout = world.announce("2")
    reach(world, 25)
    at = world.clock.time
    world.alert(resource=insights)
    world.settle()

    assert (world.share(), world.clock.time) == (0, at)
    assert world.run_to_end(rollout) == "rolled-back"
    world.respec(alert_resources=())
    world.settle()
    world.alert(resource=insights, alert_id="a2")
    assert not [line for line in world.events(rollout) if line["type"] == "AlertReceived"][1:]


def test_a_bad_variant_is_taken_back_by_itself(world):
    rollout = world.announce("2")
    reach(world, 5)
    world.site.deploy(world.target, Place.CANDIDATE, "2", error_rate=0.4)

    assert world.run_to_end(rollout) == "rolled-back"
    world.run_for(AGE)
    assert enrolled(world) == set()
    assert world.flag.default == BLUE


def test_a_segments_rule_is_driven_and_the_default_is_left_alone(tmp_path):
    rule = Rule(id="beta", condition=EVERYBODY, serve=BLUE)
    other = Split(shares=(Share(BLUE, WHOLE // 2), Share(GREEN, WHOLE // 2)), seed="s")
    world = made(tmp_path, FLAG.replace(SPLIT, f"'{SPLIT}#rule:beta'"), flag=checkout(rules=(rule,), default=other))

    rollout = world.announce("2")
    reach(world, 25)
    assert [driver.rule for driver in world.state.drivers] == ["beta"]
    assert world.run_to_end(rollout) == "succeeded"
    assert (world.flag.rules[0].serve, world.flag.default) == (GREEN, other)


def test_two_regions_of_one_flag_are_two_targets_of_one_rollout(tmp_path):
    eu, us = (
        f"{{name: {r}, kind: feature-flag, resource: '{SPLIT}#region:{r}', variant: green}}" for r in ("eu", "us")
    )
    world = made(tmp_path, eu, us)
    rollout = world.announce("2")
    reach(world, 25)

    shares = Counter({region: len(enrolled(world, region)) for region in ("eu", "us", "")})
    assert shares[""] == 0, "nobody elsewhere"
    assert enrolled(world, "eu") == enrolled(world, "us"), "a user who travels keeps the variant"
    assert abs(shares["eu"] / USERS - 0.25) < 0.03
    assert world.run_to_end(rollout) == "succeeded"
    assert [override.default for _, override in world.flag.regions] == [GREEN, GREEN]
    assert (world.flag.default, world.state.drivers) == (BLUE, ())


@pytest.mark.parametrize("targets", [(WEB, FLAG), (FLAG, WEB)], ids=["site first", "flag first"])
def test_a_site_and_a_flag_go_together_and_a_return_finds_the_version_of_one_and_the_variant_of_the_other(
    tmp_path, targets
):
    world = made(tmp_path, *targets)
    web = next(target for target in world.spec.targets if target.name == "web")
    assert world.run_to_end(world.announce("2")) == "succeeded"
    assert (world.site.read_version(web, Place.PRODUCTION), world.flag.default) == ("2", GREEN)

    back = world.override("rollback")
    assert world.run_to_end(back) == "succeeded"
    assert (world.site.read_version(web, Place.PRODUCTION), world.flag.default) == ("1", BLUE)
    assert world.rollout(back)["version"] == "1"

    assert world.run_to_end(world.announce("2")) == "succeeded"
    assert (world.site.read_version(web, Place.PRODUCTION), world.flag.default) == ("2", GREEN)


def test_what_a_rollout_has_let_go_of_is_left_alone_while_it_counts_who_is_pinned_elsewhere(tmp_path):
    world = made(tmp_path, WEB, FLAG)
    rollout = world.announce("2")
    assert world.run_to_end(rollout) == "succeeded"
    world.save(checkout(owner="somebody else, a minute later"))
    world.run_for(timedelta(hours=2))

    assert (world.flag.default, world.state.drivers) == (BLUE, ())
    assert "DriftFound" not in world.happened(rollout)
    assert world.rollout(rollout)["pinned_requests"] is not None
    assert world.failures == []


def test_a_return_of_a_flag_that_is_killed_still_gives_back_what_was_there(world):
    world.run_to_end(world.announce("2"))
    world.kill()

    assert world.run_to_end(world.override("rollback")) == "succeeded"
    assert (world.flag.killed, world.flag.default) == (True, BLUE)


def test_the_version_before_is_what_its_variant_was_rolled_out_as(world):
    world.run_to_end(world.announce("2"))
    world.respec(targets=(replace(world.spec.targets[0], variant=BLUE),))

    assert world.run_to_end(world.announce("3")) == "succeeded"
    assert world.flag.default == BLUE
    back = world.override("rollback")
    assert world.rollout(back)["version"] == "2"
    assert world.run_to_end(back) == "succeeded"
    assert world.flag.default == GREEN


def test_a_newer_version_of_a_variant_that_everybody_has_is_refused_with_the_fix(world):
    world.run_to_end(world.announce("2"))
    newer = world.announce("3")

    assert world.run_to_end(newer) == "failed"
    assert "take the target out of the spec" in world.rollout(newer)["reason"]


REFUSED = {
    "not there": (None, "it is not there: save it first"),
    "killed": (checkout(killed=True), "revive it first"),
    "off": (checkout(enabled=False), "set enabled first"),
    "no variant": (checkout(variants=(Variant(BLUE, "old"), Variant(VariantName("red"), "x"))), "it has blue, red"),
    "three": (
        checkout(
            variants=(Variant(BLUE, "old"), Variant(GREEN, "new"), Variant(VariantName("red"), "x")),
            default=Split(shares=(Share(BLUE, 90_000), Share(VariantName("red"), 10_000)), seed="s"),
        ),
        "serves red too",
    ),
    "as much": (
        checkout(default=Split(shares=(Share(BLUE, 50_000), Share(GREEN, 50_000)), seed="s")),
        "give most to the stable one",
    ),
    "passes on": (
        checkout(rules=(Rule(id="r", condition=EVERYBODY, serve=Split(shares=(Share(None, WHOLE),), seed="s")),)),
        "give each share a variant",
    ),
    "no rule": (checkout(), "its rules are: none"),
    "region off": (checkout(regions=(("eu", RegionOverride(enabled=False)),)), "set enabled first"),
}
RESOURCES = {"passes on": f"{SPLIT}#rule:r", "no rule": f"{SPLIT}#rule:r", "region off": f"{SPLIT}#region:eu"}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_driven_is_refused_with_the_fix(tmp_path, case):
    flag, why = REFUSED[case]
    resource = RESOURCES.get(case, SPLIT) if flag else SPLIT.replace(KEY, "other")
    world = made(tmp_path, FLAG.replace(SPLIT, f"'{resource}'"), flag=flag)

    rollout = world.announce("2")
    assert world.run_to_end(rollout) == "failed"
    assert why in world.rollout(rollout)["reason"]
    assert world.state.drivers == ()


def test_a_flag_that_another_rollout_drives_is_waited_for(world):
    other = RolloutId("other-0123456789ab")
    drive = Drive(rollout=other, rule=None, candidate=GREEN, stable=BLUE, weight=100)
    world.app.flag_changes.tell(LIVE, KEY, drive)
    rollout = world.announce("2")
    world.run_for(timedelta(minutes=1))

    assert f"rollout {other} drives flag {LIVE}/{KEY}: end it first" in world.rollout(rollout)["reason"]


def test_two_applications_cannot_drive_one_split_but_two_of_one_flag(world):
    mine = spec().replace("application: shop", "application: cart")
    with pytest.raises(RejectedError, match="the application shop divides the traffic of flag:production/new-checkout"):
        world.app.intake.accept_spec(parse_spec(mine.encode(), "application/yaml"), "test")

    other = parse_spec(mine.replace(SPLIT, f"'{SPLIT}#region:eu'").encode(), "application/yaml")
    world.app.intake.accept_spec(other, "test")
    assert world.app.views.application(ApplicationName("cart")) is not None
    assert world.app.views.application(SHOP) is not None


def test_a_worker_that_dies_anywhere_leaves_the_flag_neither_driven_nor_half_way(tmp_path):
    counting = Killer()
    clean = made(tmp_path / "clean")
    _with_killer(clean, counting)
    assert clean.run_to_end(clean.announce("2")) == "succeeded"
    clean.run_for(timedelta(minutes=10))
    writes = len(counting.calls)

    for number in range(writes // 12, writes, writes // 12):
        world = made(tmp_path / f"killed-{number}")
        _with_killer(world, Killer(number, after=number % 2 == 0))
        assert world.run_to_end(world.announce("2")) == "succeeded", number
        world.run_for(timedelta(minutes=10))
        assert (world.flag.default, world.state.drivers) == (GREEN, ()), number
        assert world.site.read_share(world.target) == ALL


def _with_killer(world: FlagWorld, killer: Killer) -> None:
    plain = world.change
    world.change = lambda keeping: plain(killable_keeping(killer)(keeping))
    world.start()
