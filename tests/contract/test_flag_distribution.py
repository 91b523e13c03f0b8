"""Where flags are distributed to: both adapters over real sockets, against stand-ins that refuse as the products do."""

import copy
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from local.cloud.flag_stores.app_configuration import BUSY, AppConfigurationStandIn
from local.cloud.flag_stores.launchdarkly import LaunchDarklyStandIn
from local.cloud.flag_stores.serving import Call, Reply, Served, Trouble, served
from shared.adapters.app_configuration.flag_distribution import AppConfigurationFlags
from shared.adapters.launchdarkly.flag_distribution import SEMANTIC_PATCH, LaunchDarklyFlags
from shared.adapters.re2.regexes import Re2Regexes
from shared.domain.errors import RejectedError, TryLaterError, VersionConflictError
from shared.domain.flags.compile import compile_flags
from shared.domain.flags.model import (
    Attribute,
    Clause,
    Flag,
    FlagType,
    Hashing,
    Operator,
    Prerequisite,
    RegionOverride,
    Rule,
    Share,
    Split,
    Target,
    Variant,
)
from shared.domain.names import FlagKey, VariantName
from shared.ports.flag_distribution import FlagDistribution, NotCarriedError
from shared.wire.flags.launchdarkly import import_launchdarkly
from shared.wire.flags.microsoft import CONTENT_TYPE, import_microsoft
from tests.sandbox_sdk import AnyToken
from tests.unit.domain.flags.managing.tale import KEY, OFF, ON, flag

TOKEN = "api-4f1c-sandbox"
PLAIN = flag(rules=(), default=ON)
CLAUSE = {"contextKind": "user", "attribute": "email", "op": "endsWith", "values": ["@shop.example"], "negate": False}
LD_KEY = f"/api/v2/flags/shop/{KEY}"


@dataclass(slots=True)
class Place:
    """A product, what it holds, and our adapter to it."""

    stand_in: Any
    http: Served
    adapter: FlagDistribution
    reads: str
    writes: str
    busy: Reply

    def bring(self, wanted: Flag | None, key: FlagKey = KEY) -> tuple[str, ...]:
        return self.adapter.bring_up(key, wanted, ())


@pytest.fixture
def store() -> Iterator[Place]:
    stand_in = AppConfigurationStandIn()
    with served(stand_in) as http:
        adapter = AppConfigurationFlags(http.url, "live", AnyToken(), allow_http=True)
        yield Place(stand_in, http, adapter, "GET", "PUT", BUSY)


@pytest.fixture
def project() -> Iterator[Place]:
    stand_in = LaunchDarklyStandIn(token=TOKEN)
    stand_in.add(KEY)
    with served(stand_in) as http:
        adapter = LaunchDarklyFlags(
            http.url, "shop", "production", "SLIPWAY_SECRET_LD", {"SLIPWAY_SECRET_LD": TOKEN}.get
        )
        yield Place(
            stand_in, http, adapter, "GET", "PATCH", Reply(429, {"message": "slow down"}, {"Retry-After": "40"})
        )


@pytest.fixture(params=["app-configuration", "launchdarkly"])
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.getfixturevalue("store" if request.param == "app-configuration" else "project")
    return found


def kept(place: Place, key: FlagKey = KEY) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(place.stand_in.kept[f".appconfig.featureflag/{key}", "live"]["value"])
    return document


def targeting(place: Place, key: FlagKey = KEY) -> dict[str, Any]:
    found: dict[str, Any] = place.stand_in.flags[key]["environments"]["production"]
    return found


def split(
    *shares: tuple[VariantName, int], hashing: Hashing = Hashing.LAUNCHDARKLY, seed: str = f"{KEY}.5a1t"
) -> Split:
    return Split(shares=tuple(Share(*share) for share in shares), seed=seed, hashing=hashing)


# What both promise


def test_what_differs_is_written_once_and_what_does_not_is_only_looked_at(place):
    place.bring(PLAIN)
    assert place.http.methods() == [place.reads, place.writes]

    place.bring(PLAIN)
    assert place.http.methods() == [place.reads]


def test_a_write_that_somebody_else_was_faster_than_says_so(place):
    place.http.troubles.append(Trouble(place.writes, Reply(412 if place.writes == "PUT" else 409, {})))

    with pytest.raises(VersionConflictError):
        place.bring(PLAIN)


@pytest.mark.parametrize("on", ["reads", "writes"])
def test_a_product_that_is_asked_too_often_says_for_how_long_to_leave_it_alone(place, on):
    place.http.troubles.append(Trouble(getattr(place, on), place.busy))

    with pytest.raises(TryLaterError) as raised:
        place.bring(PLAIN)
    assert raised.value.after_seconds == 40


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_product_that_is_unwell_is_tried_later(place, status):
    place.http.troubles.append(Trouble(place.writes, Reply(status, {})))

    with pytest.raises(TryLaterError):
        place.bring(PLAIN)


def test_a_connection_that_breaks_off_is_tried_once_more_though_the_write_was_done(place):
    place.http.troubles.append(Trouble(place.writes, applied=True))

    try:
        place.bring(PLAIN)
    except VersionConflictError:
        place.bring(PLAIN)
    place.http.calls.clear()
    place.bring(PLAIN)
    assert place.http.methods() == [place.reads]


def test_a_product_that_refuses_says_why(place):
    place.http.troubles.append(Trouble(place.writes, Reply(403, {"message": "no right", "title": "no right"})))

    with pytest.raises(RejectedError, match="no right"):
        place.bring(PLAIN)


@pytest.mark.parametrize("answer", [[], {"environments": 3}, "text", {"kv": 1}])
def test_an_answer_that_makes_no_sense_is_no_success(place, answer):
    place.http.troubles.append(Trouble(place.reads, Reply(200, answer)))

    try:
        place.bring(PLAIN)
    except (TryLaterError, RejectedError, VersionConflictError):
        place.bring(PLAIN)
    place.http.calls.clear()
    place.bring(PLAIN)
    assert place.http.methods() == [place.reads]


def test_nobody_who_listens_is_tried_later(place):
    place.http.over.set()
    closed = (
        AppConfigurationFlags("http://127.0.0.1:9", None, AnyToken(), allow_http=True),
        LaunchDarklyFlags("http://127.0.0.1:9", "shop", "production", "SLIPWAY_SECRET_LD", lambda _: TOKEN),
    )
    for adapter in closed:
        with pytest.raises(TryLaterError):
            adapter.bring_up(KEY, PLAIN, ())


def test_a_product_that_does_not_answer_is_not_waited_for(place, monkeypatch):
    monkeypatch.setattr("shared.calls.azure_calls.READ_SECONDS", 0.3)
    monkeypatch.setattr("shared.adapters.launchdarkly.flag_distribution._SECONDS", 0.5)
    place.http.troubles.append(Trouble(place.writes, hangs=True))
    began = time.monotonic()

    with pytest.raises(TryLaterError):
        place.bring(PLAIN)
    assert time.monotonic() - began < 5


# App Configuration


def test_a_flag_is_written_under_its_label_with_the_content_type_of_flags(store):
    store.bring(replace(PLAIN, enabled=False))

    [(key, label)] = store.stand_in.kept
    written = store.stand_in.kept[key, label]
    assert (key, label, written["content_type"]) == (f".appconfig.featureflag/{KEY}", "live", CONTENT_TYPE)
    assert (kept(store)["id"], kept(store)["enabled"]) == (KEY, False)
    assert store.http.calls[-1].headers["if-none-match"] == "*"


def test_a_change_is_written_on_the_etag_that_was_read_and_keeps_what_has_no_equal_here(store):
    store.stand_in.put(
        f".appconfig.featureflag/{KEY}",
        json.dumps({"id": KEY, "enabled": True, "display_name": "Checkout", "telemetry": {"enabled": True}}),
        label="live",
        content_type=CONTENT_TYPE,
        tags={"team": "shop"},
    )

    store.bring(replace(PLAIN, killed=True))

    assert store.http.calls[-1].headers["if-match"] == '"e1"'
    assert (kept(store)["display_name"], kept(store)["telemetry"], kept(store)["enabled"]) == (
        "Checkout",
        {"enabled": True},
        False,
    )
    assert store.stand_in.kept[f".appconfig.featureflag/{KEY}", "live"]["tags"] == {
        "team": "shop",
        "managed-by": "slipway",
    }


def test_what_somebody_wrote_between_look_and_write_is_not_overwritten_unseen(store):
    store.bring(PLAIN)
    store.http.calls.clear()

    def somebody_writes(call: Call) -> None:
        if call.method == "GET":
            store.stand_in.put(f".appconfig.featureflag/{KEY}", "{}", label="live")

    store.http.meddle = somebody_writes
    with pytest.raises(VersionConflictError):
        store.bring(replace(PLAIN, killed=True))
    assert kept(store) == {}


def test_a_flag_under_another_label_is_left_alone(store):
    store.stand_in.put(f".appconfig.featureflag/{KEY}", "{}", content_type=CONTENT_TYPE)

    store.bring(PLAIN)

    assert store.stand_in.kept[f".appconfig.featureflag/{KEY}", ""]["value"] == "{}"


def test_an_archived_flag_is_deleted_where_we_wrote_it_and_left_where_we_did_not(store):
    store.bring(PLAIN)
    assert store.bring(None) == ()
    assert store.stand_in.kept == {}
    assert store.bring(None) == ()

    store.stand_in.put(f".appconfig.featureflag/{KEY}", "{}", label="live", content_type=CONTENT_TYPE)
    [note] = store.bring(None)
    assert "it stays" in note
    assert len(store.stand_in.kept) == 1


def test_a_locked_flag_is_refused_and_not_tried_as_trouble(store):
    store.stand_in.put(f".appconfig.featureflag/{KEY}", "{}", label="live", locked=True)

    with pytest.raises(RejectedError, match="locked"):
        store.bring(PLAIN)


def test_a_flag_that_is_too_large_is_refused_before_it_is_sent(store):
    many = tuple(Target(variant=ON, values=(f"user-{number:06}",)) for number in range(1_000))

    with pytest.raises(NotCarriedError, match=r"10240 are kept.*Name groups"):
        store.bring(replace(PLAIN, targets=many))
    assert store.http.methods() == ["GET"]


def test_what_cannot_be_said_there_is_told(store):
    assert store.bring(replace(PLAIN, owner="shop")) == ("not carried: the field owner",)


DENIED = replace(flag().rules[0], id="minors", serve=OFF)
LOSSES: dict[str, dict[str, Any]] = {
    "a rule that denies": {"rules": (DENIED,)},
    "a prerequisite": {"prerequisites": (Prerequisite(FlagKey("other"), (ON,)),)},
    "a region": {"regions": (("eu", RegionOverride(enabled=False)),)},
    "a target": {"targets": (Target(variant=OFF, values=("ann",), by=Attribute(("email",))),)},
}


@pytest.mark.parametrize("loss", LOSSES)
def test_a_flag_that_would_serve_more_there_is_not_written_and_what_stands_there_stays(store, loss):
    wanted = replace(PLAIN, **LOSSES[loss])

    with pytest.raises(NotCarriedError, match="would serve differently"):
        store.bring(wanted)
    assert store.stand_in.kept == {}

    store.bring(replace(PLAIN, default=OFF))
    before = kept(store)
    with pytest.raises(NotCarriedError):
        store.bring(wanted)
    assert kept(store) == before


@pytest.mark.parametrize("off", [{"killed": True}, {"enabled": False}])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_flag_that_is_off_is_written_as_off_and_who_turns_it_on_there_gets_no_more(store, loss, off):
    store.bring(PLAIN)

    [note] = store.bring(replace(PLAIN, **LOSSES[loss], **off))

    assert note.startswith("serves differently: ")
    assert kept(store)["enabled"] is False
    assert kept(store)["allocation"]["default_when_enabled"] == OFF


def test_a_key_with_a_slash_is_one_key(store):
    store.bring(replace(PLAIN, key=FlagKey("shop/new-page")), FlagKey("shop/new-page"))

    assert kept(store, FlagKey("shop/new-page"))["id"] == "shop/new-page"


def test_what_is_written_is_read_back_as_the_same_flag(store):
    place_by = Split(
        shares=(Share(ON, 25_000), Share(OFF, 75_000)), seed=f"allocation\n{KEY}", hashing=Hashing.MICROSOFT
    )
    wanted = replace(PLAIN, targets=(Target(variant=ON, values=("ann",)),), default=place_by)

    notes = store.bring(wanted)

    [read] = import_microsoft({"feature_management": {"feature_flags": [kept(store)]}}).flags
    assert notes == ()
    users = [{"targetingKey": f"user-{number}"} for number in range(300)] + [{"targetingKey": "ann"}]
    ours, theirs = (compile_flags([each], (), regexes=Re2Regexes()) for each in (wanted, read))
    answers = [[each.evaluate(KEY, user, now=0.0, region="").value for user in users] for each in (ours, theirs)]
    assert answers[0] == answers[1]
    assert 40 < sum(answers[0]) < 110


# LaunchDarkly


def test_the_default_of_a_flag_follows_with_its_weights(project):
    notes = project.bring(replace(PLAIN, default=split((ON, 20_000), (OFF, 80_000))))

    sent = project.http.calls[-1]
    assert (sent.path, sent.headers["content-type"]) == (LD_KEY, SEMANTIC_PATCH)
    assert json.loads(sent.body)["environmentKey"] == "production"
    assert targeting(project)["on"] is True
    weights = [each["weight"] for each in targeting(project)["fallthrough"]["rollout"]["variations"]]
    assert (weights, notes) == ([20_000, 80_000], ())
    project.http.calls.clear()
    project.bring(replace(PLAIN, default=split((ON, 20_000), (OFF, 80_000))))
    assert project.http.methods() == ["GET"]


@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize("weight", [0, 1, 20_000, 100_000])
def test_everybody_is_served_there_as_here_where_nothing_is_told(project, weight, killed):
    """What LaunchDarkly holds is read by the importer that is held to the answers of LaunchDarkly's SDK."""
    rule = {"_id": "staff", "clauses": [CLAUSE], "variation": 1}
    project.stand_in.add(KEY, rules=[rule], offVariation=0)
    staff = replace(flag().rules[0], serve=split((ON, weight // 2), (OFF, 100_000 - weight // 2)))
    wanted = replace(PLAIN, rules=(staff,), default=split((ON, weight), (OFF, 100_000 - weight)), killed=killed)

    assert project.bring(wanted) == ()

    held = targeting(project)
    sent = {
        **{name: held[name] for name in ("on", "offVariation", "fallthrough", "targets", "prerequisites", "salt")},
        "key": KEY,
        "version": 1,
        "variations": [each["value"] for each in project.stand_in.flags[KEY]["variations"]],
        "rules": [{**each, "id": each["_id"]} for each in held["rules"]],
    }
    [read] = import_launchdarkly({"flags": {KEY: sent}, "segments": {}}).flags
    users = [
        {"kind": "user", "key": f"user-{number}", "targetingKey": f"user-{number}", "email": f"{number}{host}"}
        for number in range(300)
        for host in ("@shop.example", "@else.example")
    ]
    ours, theirs = (compile_flags([each], (), regexes=Re2Regexes()) for each in (wanted, read))
    answers = [[each.evaluate(KEY, user, now=0.0, region="").value for user in users] for each in (ours, theirs)]
    assert answers[0] == answers[1]


def test_the_kill_switch_turns_it_off_with_the_off_variation_in_one_patch(project):
    project.bring(replace(PLAIN, off=ON))
    project.bring(replace(PLAIN, off=OFF, killed=True))

    kinds = [each["kind"] for each in json.loads(project.http.calls[-1].body)["instructions"]]
    assert kinds == ["turnFlagOff", "updateOffVariation"]
    assert (targeting(project)["on"], targeting(project)["offVariation"]) == (False, 1)


@pytest.mark.parametrize(
    "named", [{"_id": "staff"}, {"_id": "r1", "ref": "staff"}, {"_id": "r1", "description": "staff"}]
)
def test_the_percentage_of_a_rule_follows_where_the_rule_is_there(project, named):
    project.stand_in.add(KEY, rules=[{**named, "clauses": [CLAUSE], "variation": 1}], on=True)
    rule = replace(flag().rules[0], serve=split((ON, 5_000), (OFF, 95_000)))

    notes = project.bring(replace(PLAIN, rules=(rule,)))

    [theirs] = targeting(project)["rules"]
    assert [each["weight"] for each in theirs["rollout"]["variations"]] == [5_000, 95_000]
    assert "variation" not in theirs
    assert (theirs["clauses"], notes) == ([CLAUSE], ())


def test_what_is_not_the_same_there_is_told_and_left_as_it_is(project):
    theirs = {"_id": "staff", "clauses": [{**CLAUSE, "values": ["@else.example"]}], "variation": 0}
    own = {"_id": "r9", "description": "theirs", "clauses": [], "variation": 0}
    project.stand_in.add(KEY, rules=[theirs, own], on=True, targets=[{"variation": 0, "values": ["bob"]}])
    rules = (
        *flag().rules,
        Rule(id="new", condition=Clause(attribute=Attribute(("a",)), operator=Operator.IS_SET), serve=ON),
    )

    wanted = replace(
        PLAIN,
        rules=rules,
        targets=(Target(variant=ON, values=("ann",)),),
        prerequisites=(Prerequisite(FlagKey("other"), (ON,)),),
    )
    before = copy.deepcopy(targeting(project))

    with pytest.raises(NotCarriedError, match=r"condition of the rule staff.* and 4 more\. Let both say the same"):
        project.bring(wanted)
    assert (project.http.methods(), targeting(project)) == (["GET"], before)

    said = "\n".join(project.bring(replace(wanted, killed=True)))
    for words in (
        "condition of the rule staff",
        "no rule theirs",
        "the rule new",
        "individual targets",
        "prerequisites",
    ):
        assert words in said
    assert targeting(project) == {**before, "on": False, "version": 2}


def test_users_that_are_divided_anew_are_told(project):
    [slipway] = project.bring(replace(PLAIN, default=split((ON, 1), (OFF, 99_999), hashing=Hashing.SLIPWAY)))
    [salt] = project.bring(replace(PLAIN, default=split((ON, 1), (OFF, 99_999), seed="x")))
    [order] = project.bring(replace(PLAIN, default=split((OFF, 99_999), (ON, 1))))

    assert "slipway" in slipway
    assert "salt" in salt
    assert "order" in order


def test_a_variant_that_is_not_there_is_told_and_nothing_is_served_for_it(project):
    text = Flag(
        key=KEY,
        type=FlagType.STRING,
        variants=(Variant(ON, "new"), Variant(OFF, "old")),
        default=ON,
        off=OFF,
    )
    project.stand_in.add(KEY, "old", "other")

    before = copy.deepcopy(targeting(project))

    with pytest.raises(NotCarriedError, match="the variant on: no variation there has its value"):
        project.bring(text)
    assert targeting(project) == before

    assert any("the variant on" in note for note in project.bring(replace(text, default=OFF)))
    assert targeting(project)["on"] is True


def test_true_is_not_one(project):
    number = Flag(key=KEY, type=FlagType.INTEGER, variants=(Variant(ON, 1), Variant(OFF, 0)), default=ON, off=OFF)

    with pytest.raises(NotCarriedError, match=r"the variant on: no .*the variant off: no "):
        project.bring(number)


def test_a_kill_turns_it_off_though_its_off_variant_is_not_there_which_is_told(project):
    project.bring(PLAIN)
    number = Flag(key=KEY, type=FlagType.INTEGER, variants=(Variant(ON, 1), Variant(OFF, 0)), default=ON, off=OFF)

    with pytest.raises(NotCarriedError, match="the variant off: no "):
        project.bring(replace(number, killed=True))
    assert targeting(project)["on"] is False


def test_a_rule_under_an_experiment_is_left_alone(project):
    running = {"rollout": {"variations": [{"variation": 0, "weight": 100_000}], "experimentAllocation": {"a": 1}}}
    project.stand_in.add(KEY, fallthrough=running, on=True)

    with pytest.raises(NotCarriedError, match="experiment"):
        project.bring(PLAIN)
    assert targeting(project)["fallthrough"] == running


def test_a_flag_that_is_not_there_is_told_and_not_made(project):
    other = FlagKey("other")

    with pytest.raises(NotCarriedError, match="Make it there"):
        project.bring(replace(PLAIN, key=other), other)
    assert project.http.methods() == ["GET"]
    assert project.bring(None, other) == ()


def test_an_archived_flag_is_turned_off(project):
    project.bring(PLAIN)
    [note] = project.bring(None)

    assert targeting(project)["on"] is False
    assert "archived" in note


def test_a_rate_limit_that_tells_a_time_is_waited_for(project):
    reset = str(int((time.time() + 30) * 1000))
    project.http.troubles.append(Trouble("GET", Reply(429, {}, {"X-Ratelimit-Reset": reset})))

    with pytest.raises(TryLaterError) as raised:
        project.bring(PLAIN)
    assert 28 < (raised.value.after_seconds or 0) <= 30


@pytest.mark.parametrize("token", ["", "with space", "ümlaut", "wrong"])
def test_a_token_that_is_missing_or_wrong_is_told_without_being_shown(project, token):
    adapter = LaunchDarklyFlags(project.http.url, "shop", "production", "SLIPWAY_SECRET_LD", lambda _: token)

    with pytest.raises(RejectedError) as raised:
        adapter.bring_up(KEY, PLAIN, ())
    assert not token or token not in str(raised.value)


def test_no_other_setting_than_a_secret_for_this_is_sent(project):
    adapter = LaunchDarklyFlags(project.http.url, "shop", "production", "SLIPWAY_KEYS", lambda _: TOKEN)

    with pytest.raises(RejectedError, match="SLIPWAY_KEYS"):
        adapter.bring_up(KEY, PLAIN, ())
    assert project.http.calls == []


def test_an_environment_that_is_not_there_is_told(project):
    adapter = LaunchDarklyFlags(project.http.url, "shop", "test", "SLIPWAY_SECRET_LD", lambda _: TOKEN)

    with pytest.raises(RejectedError, match="no environment test"):
        adapter.bring_up(KEY, PLAIN, ())
