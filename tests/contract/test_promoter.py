"""Every promoter swaps alike, in memory and by App Service's slots: begun, watched, verified by version."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from shared.adapters.app_service.promoter import AppServicePromoter
from shared.adapters.app_service.sites import AppServiceSites
from shared.adapters.app_service.swap_address import UNADDRESSED, to_path, to_token
from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.rollout.preview import Preview
from shared.domain.rollout.spec import Place
from shared.domain.rollout.weight import NONE, Weight
from shared.ports.promoter import SwapState, SwapStatus
from tests.sandbox import wait_until
from tests.sandbox_sdk import AnyToken
from tests.scripted_server import HangUp, Say, Silence, closed_port, scripted_server
from tests.traffic_worlds import SWAP_SECONDS, TARGET, MemoryWorld, sandbox_world

RECORDING = (
    Path(__file__).parents[3] / "shared/payloads/azure-recordings/app-service-slots/test_functionapp_slot_swap.json"
)
BASE = "https://management.azure.com"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    with sandbox_world(tmp_path_factory.mktemp("cloud")) as world:
        yield world


@pytest.fixture(params=["memory", "app service"])
def world(request):
    world = MemoryWorld() if request.param == "memory" else request.getfixturevalue("sandbox")
    world.deploy(Place.PRODUCTION, "1")
    world.deploy(Place.CANDIDATE, "2")
    yield world
    world.reset()


def served(world):
    return tuple(world.probe.read_version(TARGET, place) for place in (Place.PRODUCTION, Place.CANDIDATE))


def watch(world, token):
    """Look at a swap until it has ended, at most ten times its length."""
    for _ in range(40):
        status = world.promoter.read_swap(TARGET, token)
        if status.state is not SwapState.RUNNING:
            return status
        world.pass_time(SWAP_SECONDS / 4)
    raise AssertionError("the swap never ended")


def test_a_swap_exchanges_what_the_places_serve_once_it_is_done(world):
    token = world.promoter.begin_swap(TARGET)
    at_once = world.promoter.read_swap(TARGET, token)

    assert at_once == SwapStatus(SwapState.RUNNING)
    assert watch(world, token) == SwapStatus(SwapState.DONE)
    assert served(world) == ("2", "1")


def test_a_second_swap_is_not_begun_while_one_runs(world):
    token = world.promoter.begin_swap(TARGET)

    with pytest.raises(TryLaterError):
        world.promoter.begin_swap(TARGET)

    watch(world, token)
    assert served(world) == ("2", "1")


def test_a_swap_that_failed_says_why_and_exchanges_nothing(world):
    world.fail_next_swap()

    status = watch(world, world.promoter.begin_swap(TARGET))

    assert status.state is SwapState.FAILED
    assert status.why
    assert served(world) == ("1", "2")


def test_without_a_token_one_learns_whether_any_swap_runs(world):
    before = world.promoter.read_swap(TARGET, None)
    token = world.promoter.begin_swap(TARGET)
    during = world.promoter.read_swap(TARGET, None)
    watch(world, token)

    assert [before.state, during.state] == [SwapState.DONE, SwapState.RUNNING]
    assert world.promoter.read_swap(TARGET, None).state is SwapState.DONE


def test_a_token_that_the_platform_has_forgotten_reads_as_none(world):
    old = world.promoter.begin_swap(TARGET)
    watch(world, old)
    forgotten = world.forgotten(old)
    before = world.promoter.read_swap(TARGET, forgotten)
    token = world.promoter.begin_swap(TARGET)
    during = world.promoter.read_swap(TARGET, forgotten)
    watch(world, token)

    assert [before.state, during.state] == [SwapState.DONE, SwapState.RUNNING]


def test_swapping_back_after_a_swap_brings_the_old_version_back(world):
    watch(world, world.promoter.begin_swap(TARGET))

    watch(world, world.promoter.begin_swap(TARGET))

    assert served(world) == ("1", "2")


def test_a_preview_is_pending_until_it_is_reset_and_exchanges_nothing(world):
    before = world.promoter.read_preview(TARGET)
    world.promoter.apply_preview(TARGET)
    during = world.promoter.read_preview(TARGET)
    world.promoter.reset_preview(TARGET)

    assert [before, during, world.promoter.read_preview(TARGET)] == [Preview.NONE, Preview.PENDING, Preview.NONE]
    assert served(world) == ("1", "2")


def test_a_preview_that_is_applied_or_reset_twice_is_harmless(world):
    world.promoter.apply_preview(TARGET)
    world.promoter.apply_preview(TARGET)
    during = world.promoter.read_preview(TARGET)
    world.promoter.reset_preview(TARGET)
    world.promoter.reset_preview(TARGET)

    assert [during, world.promoter.read_preview(TARGET)] == [Preview.PENDING, Preview.NONE]


def test_a_preview_that_somebody_else_began_is_seen_and_so_is_its_end(world):
    world.preview_by_hand(Preview.PENDING)
    seen = world.promoter.read_preview(TARGET)
    world.preview_by_hand(Preview.NONE)

    assert [seen, world.promoter.read_preview(TARGET)] == [Preview.PENDING, Preview.NONE]


def test_a_swap_after_a_preview_exchanges_the_places_and_ends_the_preview(world):
    world.promoter.apply_preview(TARGET)

    assert watch(world, world.promoter.begin_swap(TARGET)) == SwapStatus(SwapState.DONE)

    assert served(world) == ("2", "1")
    assert world.promoter.read_preview(TARGET) is Preview.NONE


def test_no_preview_is_begun_or_reset_while_a_swap_runs(world):
    world.promoter.apply_preview(TARGET)
    token = world.promoter.begin_swap(TARGET)

    with pytest.raises(TryLaterError):
        world.promoter.reset_preview(TARGET)
    watch(world, token)
    second = world.promoter.begin_swap(TARGET)
    with pytest.raises(TryLaterError):
        world.promoter.apply_preview(TARGET)

    watch(world, second)
    assert served(world) == ("1", "2")


def test_the_traffic_rules_of_a_prepared_site_cannot_be_changed_until_it_is_reset(world):
    world.promoter.apply_preview(TARGET)

    with pytest.raises(TryLaterError, match="prepared for"):
        world.router.set_share(TARGET, Weight(5_000))
    world.promoter.reset_preview(TARGET)
    world.router.set_share(TARGET, Weight(5_000))

    assert world.router.read_share(TARGET) == 5_000
    world.router.set_share(TARGET, NONE)


def test_a_version_that_is_not_well_with_productions_settings_shows_it_before_the_swap(world):
    world.deploy_unwell_when_prepared("3")
    before = world.probe.read_health(TARGET, Place.CANDIDATE).healthy
    world.promoter.apply_preview(TARGET)
    wait_until(lambda: not world.probe.read_health(TARGET, Place.CANDIDATE).healthy, within=20)
    world.promoter.reset_preview(TARGET)

    wait_until(lambda: world.probe.read_health(TARGET, Place.CANDIDATE).healthy, within=20)
    assert before


def test_the_settings_that_stay_and_differ_are_told_by_name(world):
    world.let_differ("SHOP_PAYMENTS")

    assert world.promoter.read_staying(TARGET) == ("SHOP_PAYMENTS",)


def test_after_a_swap_and_a_swap_back_the_stable_version_runs_with_the_settings_that_it_had(sandbox):
    own = {"GREETING": "of version 1", "PLACE": "production"}
    sandbox.deploy(Place.PRODUCTION, "1")
    sandbox.deploy(Place.CANDIDATE, "2")
    sandbox.stick("PLACE")
    sandbox.put_settings(Place.PRODUCTION, own)
    sandbox.put_settings(Place.CANDIDATE, {"GREETING": "of version 2", "PLACE": "slot"})
    wait_until(lambda: sandbox.settings(Place.PRODUCTION) == own, within=20)

    watch(sandbox, sandbox.promoter.begin_swap(TARGET))
    promoted = sandbox.settings(Place.PRODUCTION)
    wait_until(lambda: sandbox.settings(Place.CANDIDATE) == {**own, "PLACE": "slot"}, within=20)
    watch(sandbox, sandbox.promoter.begin_swap(TARGET))

    assert promoted == {"GREETING": "of version 2", "PLACE": "production"}
    assert served(sandbox) == ("1", "2")
    assert sandbox.settings(Place.PRODUCTION) == own
    sandbox.reset()


def test_a_preview_runs_the_slot_with_productions_own_settings_and_a_swap_restarts_it_no_more(sandbox):
    sandbox.deploy(Place.CANDIDATE, "2")
    sandbox.stick("PLACE")
    sandbox.put_settings(Place.PRODUCTION, {"PLACE": "production"})
    sandbox.put_settings(Place.CANDIDATE, {"GREETING": "of version 2", "PLACE": "slot"})
    wanted = {"GREETING": "of version 2", "PLACE": "production"}

    sandbox.promoter.apply_preview(TARGET)
    wait_until(lambda: sandbox.settings(Place.CANDIDATE) == wanted, within=20)
    verified = process(sandbox, "candidate")
    watch(sandbox, sandbox.promoter.begin_swap(TARGET))

    assert process(sandbox, "production") == verified
    assert sandbox.settings(Place.PRODUCTION) == wanted
    sandbox.reset()


def process(world, slot):
    return next(each["process"] for each in world.cloud.control.site()["slots"] if each["slot"] == slot)


@pytest.fixture
def arm():
    with scripted_server(Say(500)) as server:
        yield server


@pytest.fixture
def promoter(arm):
    return promoter_at(arm.url)


def promoter_at(url):
    return AppServicePromoter(AppServiceSites(AnyToken(), base_url=url, allow_http=True))


TOKEN = f"{TARGET.resource}/operationresults/1?api-version=2025-05-01&s=signed"


def accepted(arm):
    return Say(202, b"", {"Location": f"{arm.url}{TOKEN}", "Retry-After": "15"})


def test_a_swap_is_begun_with_one_call_and_not_waited_for(arm, promoter):
    arm.play(accepted(arm))

    token = promoter.begin_swap(TARGET)

    assert [(asked.method, asked.path) for asked in arm.asked] == [("POST", f"{TARGET.resource}/slotsswap")]
    assert arm.asked[0].json() == {"targetSlot": "candidate", "preserveVnet": True}
    assert token == TOKEN


def test_the_token_is_asked_as_it_came_with_our_access_token(arm, promoter):
    arm.play(Say(202))

    promoter.read_swap(TARGET, TOKEN)

    assert arm.asked[0].target == TOKEN
    assert arm.asked[0].headers["authorization"] == "Bearer sandbox"


@pytest.mark.skipif(not RECORDING.exists(), reason="the recorded ARM traffic is not beside the project")
def test_our_swap_is_that_of_the_azure_cli(arm, promoter):
    """The tool swaps the slot with production; we swap production with the slot, which is the same exchange."""
    pairs = json.loads(RECORDING.read_text())["interactions"]
    posted = next(pair for pair in pairs if "slotsswap" in pair["request"]["uri"])
    polled = [pair["response"]["status"]["code"] for pair in pairs if "operationresults" in pair["request"]["uri"]]
    location = posted["response"]["headers"]["location"]
    site, _, slot = location.partition("/operationresults")[0].partition("/slots/")
    target = replace(TARGET, resource=site.removeprefix(BASE), slot=slot)
    arm.play(Say(202, b"", {"Location": location.replace(BASE, arm.url)}), *(Say(code) for code in polled))

    token = promoter.begin_swap(target)
    states = [promoter.read_swap(target, token).state for _ in polled]

    mine, theirs = arm.asked[0], posted["request"]
    assert mine.method == theirs["method"]
    assert mine.path == theirs["uri"].removeprefix(BASE).partition("?")[0].replace(f"/slots/{slot}", "")
    assert mine.json() == {**theirs["body"], "targetSlot": slot}
    assert token == location.removeprefix(BASE)
    assert states == [SwapState.RUNNING, SwapState.DONE]


CONFLICT = {"Code": "Conflict", "Message": "Cannot swap: the 'candidate' slot did not respond to http ping."}


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Say(202), SwapStatus(SwapState.RUNNING)),
        (Say(200), SwapStatus(SwapState.DONE)),
        (Say(204), SwapStatus(SwapState.DONE)),
        (Say(200, {"id": "the site", "properties": {"state": "Running"}}), SwapStatus(SwapState.DONE)),
        (Say(200, {"status": "InProgress"}), SwapStatus(SwapState.RUNNING)),
        (Say(200, {"status": "Succeeded"}), SwapStatus(SwapState.DONE)),
        (
            Say(200, {"status": "Failed", "error": {"code": "Cold", "message": "no ping"}}),
            SwapStatus(SwapState.FAILED, "Cold: no ping"),
        ),
        (Say(409, CONFLICT), SwapStatus(SwapState.FAILED, ": ".join(CONFLICT.values()))),
        (Say(400, {"error": {"code": "Bad"}}), SwapStatus(SwapState.FAILED, "Bad")),
    ],
    ids=lambda case: f"{case.status} {case.body}"[:40] if isinstance(case, Say) else case.state.value,
)
def test_each_answer_to_a_look_at_a_swap_has_a_meaning(arm, promoter, answer, status):
    arm.play(answer)

    assert promoter.read_swap(TARGET, TOKEN) == status


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize(("operation", "state"), [("another", SwapState.RUNNING), (None, SwapState.DONE)])
def test_a_forgotten_swap_is_running_only_while_the_site_is_busy(arm, promoter, status, operation, state):
    arm.play(Say(status), Say(200, {"properties": {"inProgressOperationId": operation}}))

    assert promoter.read_swap(TARGET, TOKEN).state is state


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_trouble_while_looking_is_no_verdict_on_the_swap(arm, promoter, status):
    arm.play(Say(status, {"error": {"code": "Busy"}}, {"Retry-After": "9"}))

    with pytest.raises(TryLaterError) as caught:
        promoter.read_swap(TARGET, TOKEN)

    assert caught.value.after_seconds == 9


@pytest.mark.parametrize("status", [401, 403])
def test_a_swap_that_we_may_not_look_at_is_rejected(arm, promoter, status):
    arm.play(Say(status, {"error": {"code": "AuthorizationFailed", "message": "no role"}}))

    with pytest.raises(RejectedError, match="AuthorizationFailed: no role"):
        promoter.read_swap(TARGET, TOKEN)


def test_garbage_is_no_verdict_on_the_swap(arm, promoter):
    arm.play(Say(200, b"<html>", {"Content-Type": "text/html"}))

    with pytest.raises(TryLaterError):
        promoter.read_swap(TARGET, TOKEN)


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (Say(409, CONFLICT), TryLaterError),
        (Say(429, {"error": {}}, {"Retry-After": "5"}), TryLaterError),
        (Say(503), TryLaterError),
        (HangUp(), TryLaterError),
        (Silence(), TryLaterError),
        (Say(400, {"error": {"code": "BadRequest"}}), RejectedError),
        (Say(403, {"error": {"code": "AuthorizationFailed"}}), RejectedError),
        (Say(404, {"error": {"code": "ResourceNotFound"}}), RejectedError),
    ],
    ids=["409", "429", "503", "broken off", "no answer", "400", "403", "404"],
)
def test_a_swap_is_never_asked_for_twice_whatever_becomes_of_the_call(arm, promoter, monkeypatch, step, error):
    monkeypatch.setattr("shared.calls.azure_calls.READ_SECONDS", 0.2)
    arm.play(step)

    with pytest.raises(error):
        promoter.begin_swap(TARGET)

    assert len(arm.asked) == 1


def test_a_refused_connection_is_for_later():
    with pytest.raises(TryLaterError):
        promoter_at(f"http://127.0.0.1:{closed_port()}").begin_swap(TARGET)


@pytest.mark.parametrize("location", [None, "https://elsewhere.example/subscriptions/x", "/relative"])
def test_a_swap_without_an_address_of_its_own_is_watched_by_the_site(arm, promoter, location):
    busy = {"properties": {"inProgressOperationId": "swap"}}
    headers = {} if location is None else {"Location": location}
    arm.play(Say(202, b"", headers), Say(200, busy), Say(200, {"properties": {"inProgressOperationId": None}}))

    token = promoter.begin_swap(TARGET)
    states = [promoter.read_swap(TARGET, token).state for _ in range(2)]

    assert token == UNADDRESSED
    assert states == [SwapState.RUNNING, SwapState.DONE]
    assert [asked.path for asked in arm.asked[1:]] == [TARGET.resource] * 2


@pytest.mark.parametrize(
    "location",
    [
        "http://management.azure.com/subscriptions/x",
        "https://management.azure.com.evil.example/subscriptions/x",
        "https://user@evil.example/subscriptions/x",
        "https://management.azure.com:444/subscriptions/x",
        "https://management.azure.com/subscriptions/../../x",
        "https://management.azure.com//evil.example/subscriptions/x",
    ],
)
def test_no_other_host_is_ever_asked_about_a_swap(location):
    assert to_token(location, BASE) == UNADDRESSED


def test_an_address_on_the_same_host_is_kept_without_the_host():
    assert to_token(f"{BASE}:443/subscriptions/s/x?a=1", BASE) == "/subscriptions/s/x?a=1"


@pytest.mark.parametrize(
    "token", ["", "https://evil.example/subscriptions/x", "//evil.example/", "/subscriptions/../x", "@evil"]
)
def test_a_token_that_was_never_ours_is_rejected_before_anything_is_asked(arm, promoter, token):
    with pytest.raises(RejectedError):
        promoter.read_swap(TARGET, token)
    with pytest.raises(RejectedError):
        to_path(token)

    assert arm.asked == []


def site_says(partner):
    return Say(200, {"properties": {"targetSwapSlot": partner}})


@pytest.mark.parametrize(
    ("slot", "production", "preview"),
    [
        (None, None, Preview.NONE),
        ("Production", "candidate", Preview.PENDING),
        ("beta", None, Preview.FOREIGN),
        (None, "beta", Preview.FOREIGN),
        (None, "Candidate", Preview.PENDING),
    ],
    ids=["none", "ours", "the slot with another", "production with another", "of a slot that was made anew"],
)
def test_both_places_are_asked_which_swap_they_are_prepared_for(arm, promoter, slot, production, preview):
    arm.play(site_says(slot), site_says(production))

    assert promoter.read_preview(TARGET) is preview


def test_production_s_settings_are_put_on_the_slot_and_never_the_other_way(arm, promoter):
    arm.play(site_says(None), site_says(None), Say(200))

    promoter.apply_preview(TARGET)

    asked = arm.asked[-1]
    assert (asked.method, asked.path) == ("POST", f"{TARGET.resource}/slots/candidate/applySlotConfig")
    assert asked.json() == {"targetSlot": "production", "preserveVnet": True}


@pytest.mark.parametrize(
    ("steps", "cancelled_at"),
    [
        ((site_says("production"), Say(200), site_says(None)), ["slots/candidate/resetSlotConfig"]),
        ((site_says(None), site_says("candidate"), Say(200)), ["resetSlotConfig"]),
        ((site_says("beta"), site_says("beta")), []),
    ],
    ids=["at the slot", "where production alone still waits", "never that of others"],
)
def test_a_preview_is_cancelled_where_it_is_pending(arm, promoter, steps, cancelled_at):
    arm.play(*steps)

    promoter.reset_preview(TARGET)

    sent = [asked.path for asked in arm.asked if asked.method == "POST"]
    assert sent == [f"{TARGET.resource}/{path}" for path in cancelled_at]


def test_a_site_with_built_in_authentication_is_refused_for_good_with_the_fix(arm, promoter):
    why = "Swap with Preview cannot be used when one of the slots has site authentication enabled."
    arm.play(site_says(None), site_says(None), Say(409, {"error": {"code": "Conflict", "message": why}}))

    with pytest.raises(RejectedError, match="leave out swapWithPreview"):
        promoter.apply_preview(TARGET)


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (Say(409, CONFLICT), TryLaterError),
        (Say(429, {"error": {}}, {"Retry-After": "5"}), TryLaterError),
        (Say(503), TryLaterError),
        (HangUp(), TryLaterError),
        (Silence(), TryLaterError),
        (Say(403, {"error": {"code": "AuthorizationFailed"}}), RejectedError),
        (Say(404, {"error": {"code": "ResourceNotFound"}}), RejectedError),
    ],
    ids=["409", "429", "503", "broken off", "no answer", "403", "404"],
)
def test_a_preview_is_never_asked_for_twice_whatever_becomes_of_the_call(arm, promoter, monkeypatch, step, error):
    monkeypatch.setattr("shared.calls.azure_calls.READ_SECONDS", 0.2)
    arm.play(site_says(None), site_says(None), step)

    with pytest.raises(error):
        promoter.apply_preview(TARGET)

    assert [asked.method for asked in arm.asked] == ["GET", "GET", "POST"]


def test_of_the_settings_that_differ_only_names_are_kept_and_only_of_those_that_stay(arm, promoter):
    def difference(name, rule):
        hush = {"valueInCurrentSlot": "hush", "valueInTargetSlot": "hush too"}
        return {"properties": {"settingType": "AppSetting", "settingName": name, "diffRule": rule, **hush}}

    stays, moves = "SettingsWillNotBeSwapped", "SettingsWillBeSwapped"
    found = [difference("STRIPE", stays), difference("COLOUR", moves), difference("DATABASE", stays), {}]
    arm.play(Say(200, {"value": found}))

    assert promoter.read_staying(TARGET) == ("DATABASE", "STRIPE")
    assert arm.asked[0].path == f"{TARGET.resource}/slots/candidate/slotsdiffs"
