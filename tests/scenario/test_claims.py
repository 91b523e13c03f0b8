"""Two applications on one resource: the first one has it, the second one is told, and they never fight over it."""

from uuid import uuid4

import pytest

from shared.application import aggregate as aggregates
from shared.application.claims import STANDS_AT_LEAST, Claims
from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.names import ApplicationName, CommandId, Version, application_key
from shared.domain.rollout.commands import Action
from shared.domain.rollout.spec import Place, Spec
from shared.domain.rollout.state import Application
from shared.wire.spec import parse_spec
from tests.scenario.world import SHOP, SITE, SPEC, World

KIOSK = ApplicationName("kiosk")
ROUTE = "https://k.example/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/shop"
RESOURCES = {
    "another slot of the site": f"{{name: front, kind: app-service-slot, resource: {SITE}, slot: other}}",
    "the site in other letters": f"{{name: front, kind: app-service-slot, resource: {SITE.upper()}, slot: candidate}}",
    "a container app": "{name: front, kind: container-app, resource: "
    f"{SITE.replace('Web/sites', 'App/containerApps')}}}",
    "a profile": "{name: front, kind: traffic-manager, resource: "
    f"{SITE.replace('Web/sites', 'Network/trafficManagerProfiles')}, places: [a, b]}}",
    "a route": f"{{name: front, kind: http-route, resource: '{ROUTE}', places: [a, b]}}",
}
CLASH = "web: the application shop has the same resource: take it out of one of the two specs"
WEB = f"{{name: web, kind: app-service-slot, resource: {SITE}, slot: candidate}}"


def spec(name: str, *targets: str) -> Spec:
    listed = "".join(f"\n  - {target}" for target in targets)
    rest = "strategy: {canary: {steps: [5]}}\nmetrics: {source: {kind: observations}}\n"
    return parse_spec(f"application: {name}\ntargets:{listed}\n{rest}".encode())


def elsewhere(site: str) -> str:
    return f"{{name: {site}, kind: app-service-slot, resource: {SITE.replace('sites/shop', f'sites/{site}')}, slot: c}}"


def put(world: World, wanted: Spec) -> bool:
    return world.app.intake.accept_spec(wanted, "test")


def state_of(world: World, name: ApplicationName) -> Application:
    return aggregates.load(world.keeping.store, application_key(name)).application


def claims_of(world: World) -> Claims:
    return Claims(world.keeping.store, world.keeping.index, world.clock)


def is_registered(world: World, name: ApplicationName) -> bool:
    return world.app.views.application(name) is not None


@pytest.mark.parametrize("target", RESOURCES.values(), ids=list(RESOURCES))
def test_what_one_application_has_is_refused_to_another_by_field_and_by_name(world, target):
    put(world, spec("shop", WEB, target) if SITE.lower() not in target.lower() else spec("shop", WEB))

    with pytest.raises(RejectedError) as refused:
        put(world, spec("kiosk", elsewhere("kiosk"), target))

    assert "targets[1].resource: " in str(refused.value)
    assert "the application shop divides" in str(refused.value)
    assert not is_registered(world, KIOSK)
    assert put(world, spec("third", elsewhere("kiosk"))), "what was claimed beside it is free again, at once"


def test_its_own_target_may_be_put_again_and_changed(world):
    put(world, spec("shop", WEB, elsewhere("second")))
    put(world, spec("shop", WEB.replace("candidate", "other")))
    put(world, spec("shop", WEB))

    assert world.app.views.application(SHOP)["spec_revision"] == 4


def test_a_target_that_is_dropped_is_free_at_once(world):
    put(world, spec("shop", elsewhere("second")))

    assert put(world, spec("kiosk", WEB))


def test_a_target_that_is_dropped_stays_while_the_live_rollout_uses_it(world):
    rollout = world.deploy("2")
    world.run_until(lambda: world.share() == 5)
    put(world, spec("shop", elsewhere("second")))

    with pytest.raises(RejectedError, match="the application shop divides"):
        put(world, spec("kiosk", WEB))

    world.run_to_end(rollout)
    world.run_until(lambda: "PinnedCounted" in world.happened(rollout))
    assert put(world, spec("kiosk", WEB))


def test_a_target_that_is_dropped_after_an_end_stays_while_weights_are_still_put_right_there(world):
    rollout = world.deploy("2")
    world.run_to_end(rollout)
    put(world, spec("shop", elsewhere("second")))

    with pytest.raises(RejectedError, match="the application shop divides"):
        put(world, spec("kiosk", WEB))

    world.run_until(lambda: "PinnedCounted" in world.happened(rollout))
    world.clock.time += STANDS_AT_LEAST
    assert put(world, spec("kiosk", WEB))


def test_of_two_that_are_put_at_the_same_instant_one_wins(world, monkeypatch):
    """The other one comes through as a whole between what the first one read and what it writes."""
    ours, theirs, outcome = spec("ours", elsewhere("both")), spec("theirs", elsewhere("both")), []
    write, before = Claims._write, iter([theirs])

    def interrupted(self, resource, owner, etag):
        for between in before:
            outcome.append(put(world, between))
        return write(self, resource, owner, etag)

    monkeypatch.setattr(Claims, "_write", interrupted)
    with pytest.raises(RejectedError, match="the application theirs divides"):
        put(world, ours)

    assert outcome == [True]
    assert not is_registered(world, ApplicationName("ours"))


def test_a_spec_that_is_refused_gives_back_nothing_that_another_one_of_the_application_has_taken_meanwhile(
    world, monkeypatch
):
    """One names a free site and the shop's; one that names the free site alone comes through as a whole between."""
    write, between = Claims._write, iter([spec("ours", elsewhere("both"))])

    def interrupted(self, resource, owner, etag):
        for each in between:
            put(world, each)
        return write(self, resource, owner, etag)

    monkeypatch.setattr(Claims, "_write", interrupted)
    with pytest.raises(RejectedError, match="the application shop divides"):
        put(world, spec("ours", elsewhere("both"), WEB))

    with pytest.raises(RejectedError, match="the application ours divides"):
        put(world, spec("theirs", elsewhere("both")))


def test_a_claim_whose_spec_never_came_is_taken_over_after_five_minutes(world):
    claimed = spec("crashed", elsewhere("left"))
    claims_of(world).take(state_of(world, claimed.application), claimed)

    with pytest.raises(TryLaterError) as wait:
        put(world, spec("kiosk", elsewhere("left")))
    assert wait.value.after_seconds == STANDS_AT_LEAST.total_seconds()

    world.clock.time += STANDS_AT_LEAST
    assert put(world, spec("kiosk", elsewhere("left")))


@pytest.fixture
def older(world, monkeypatch):
    """An application on a site of its own, whose spec was stored before there were claims."""
    with monkeypatch.context() as before:
        before.setattr(Claims, "take", lambda *_: None)
        put(world, spec("older", elsewhere("old")))
    world.settle()
    return world


def test_what_an_application_uses_whose_spec_is_older_than_claims_is_refused_to_another(older):
    with pytest.raises(RejectedError, match="the application older divides"):
        put(older, spec("kiosk", elsewhere("kiosk"), elsewhere("old")))

    put(older, spec("older", elsewhere("old")))
    with pytest.raises(RejectedError, match="the application older divides"):
        put(older, spec("kiosk", elsewhere("old")))


def test_what_such_an_application_has_left_is_free(older):
    put(older, spec("older", elsewhere("second")))

    assert put(older, spec("kiosk", elsewhere("old")))


def test_a_target_that_is_named_again_while_it_is_given_back_stays(world):
    """The claim that is given back is the one that was read before the spec was stored, and no later one."""
    claims = claims_of(world)
    put(world, spec("shop", WEB, elsewhere("second")))
    before = world.app.views.application(SHOP)
    state = state_of(world, SHOP)
    left = claims.dropped(state, spec("shop", WEB))
    assert [each.claim.owner for each in left] == ["shop"]
    put(world, spec("shop", WEB))
    put(world, spec("shop", WEB, elsewhere("second")))

    claims.give_back(left)

    assert before["spec_revision"] < world.app.views.application(SHOP)["spec_revision"]
    with pytest.raises(RejectedError, match="the application shop divides"):
        put(world, spec("kiosk", elsewhere("second")))


@pytest.fixture
def both(world):
    """Two applications on one site, as it was possible before claims: shop has the claim."""
    kiosk = parse_spec(SPEC.replace("application: shop", "application: kiosk").encode(), "application/yaml")
    claims = claims_of(world)
    claims.give_back(claims.dropped(state_of(world, SHOP), spec("shop", elsewhere("second"))))
    put(world, kiosk)
    claims.give_back(claims.dropped(state_of(world, KIOSK), spec("kiosk", elsewhere("third"))))
    put(world, world.spec)
    return world


def announce_kiosk(world: World, version: str):
    deployed = world.app.intake.accept_deployment(KIOSK, Version(version), CommandId(uuid4().hex), "ci")
    return deployed.rollout


def test_the_one_without_the_claim_ends_in_its_preflight_says_why_and_touches_nothing(both):
    rollout = both.deploy("2")
    both.run_until(lambda: both.share() == 25)

    second = announce_kiosk(both, "2")

    assert both.run_to_end(second) == "failed"
    assert both.rollout(second)["reason"] == f"preflight: {CLASH}"
    assert both.share() == 25
    assert both.run_to_end(rollout) == "succeeded"
    assert not {"DriftFound", "RollbackBegun"} & {*both.happened(second), *both.happened(rollout)}


def test_the_plan_says_it_too_of_what_is_registered_and_of_what_is_not(both):
    assert CLASH in both.app.plans.registered(KIOSK)["warnings"]
    assert CLASH in both.app.plans.of_spec(spec("fourth", WEB))["warnings"]
    assert CLASH not in both.app.plans.registered(SHOP)["warnings"]


def test_a_spec_that_is_put_again_without_the_claim_is_refused(both):
    with pytest.raises(RejectedError, match="the application shop divides"):
        put(both, parse_spec(SPEC.replace("application: shop", "application: kiosk").encode(), "application/yaml"))


def test_when_the_other_one_has_left_it_is_released(both):
    put(both, spec("shop", elsewhere("second")))
    both.site.deploy(both.target, Place.CANDIDATE, "2")

    assert both.run_to_end(announce_kiosk(both, "2")) == "succeeded"


def test_taking_users_back_waits_for_nobody(both):
    """A person takes back what kiosk has released, though the claim was lost since."""
    put(both, spec("shop", elsewhere("second")))
    both.site.deploy(both.target, Place.CANDIDATE, "2")
    assert both.run_to_end(announce_kiosk(both, "2")) == "succeeded"
    both.settle()
    claims = claims_of(both)
    claims.give_back(claims.dropped(state_of(both, KIOSK), spec("kiosk", elsewhere("third"))))
    put(both, both.spec)

    back = both.app.intake.accept_override(
        KIOSK, Action.ROLLBACK, reason="it hurts", by="alice", command_id=CommandId(uuid4().hex)
    )

    assert both.run_to_end(back) == "succeeded"
    assert both.production() == "1"
