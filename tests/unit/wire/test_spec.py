"""What a release spec may say, what it means, and how a wrong one is refused."""

import copy
import time
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings

from shared.domain.analysis.defaults import default_guards
from shared.domain.analysis.guards import Ratio, Threshold
from shared.domain.errors import InvalidError
from shared.domain.rollout.measuring import AzureMonitorSource, Measuring
from shared.domain.rollout.spec import (
    AlertAction,
    Bake,
    CanaryStep,
    Deadlines,
    Gate,
    HealthCheck,
    Judging,
    NamedPlace,
    Outcome,
    Topic,
    VersionProbe,
    WhenBusy,
)
from shared.domain.rollout.weight import Weight
from shared.wire.spec import parse_spec
from shared.wire.spec_rendering import render_spec
from tests.unit.wire.spec_documents import (
    SMALLEST,
    body_of,
    changed,
    paths_refused,
    refused,
    spec_documents,
)
from tests.unit.wire.spec_source_documents import SITE

MINUTE = timedelta(minutes=1)
STEP_BAKE = Bake(minimum=MINUTE, maximum=30 * MINUTE)


def test_the_smallest_spec_has_a_default_for_everything_else():
    spec = parse_spec(body_of(SMALLEST))

    assert spec.application == "shop"
    [target] = spec.targets
    assert (target.region, target.wave) == ("", 1)
    assert target.version == VersionProbe(path="/version", pointer="/version")
    assert target.health == HealthCheck(path="/healthz", statuses=(200,))
    assert spec.strategy.steps == tuple(CanaryStep(weight=Weight(w), bake=STEP_BAKE) for w in (5000, 25000, 50000))
    assert spec.strategy.promotion_bake == Bake(minimum=20 * MINUTE, maximum=60 * MINUTE)
    assert spec.strategy.promotion_gate is None
    assert spec.measuring == Measuring(window=MINUTE, lag=2 * MINUTE, source=AzureMonitorSource(), values=())
    assert spec.guards == default_guards(MINUTE)
    assert spec.judging == Judging()
    assert (spec.when_busy, spec.on_alert) == (WhenBusy.SUPERSEDE, AlertAction.ROLLBACK)
    assert spec.deadlines == Deadlines(preflight=10 * MINUTE, progress=120 * MINUTE, otherwise=Outcome.ROLLBACK)
    assert spec.notifications == ()


def test_a_step_says_its_weight_its_bake_and_its_gate():
    step = {
        "weight": "12.5%",
        "bake": {"min": "2m", "max": "1h30m", "otherwise": "pause"},
        "gate": {"name": "qa", "timeout": "4h", "otherwise": "pause"},
    }

    spec = parse_spec(body_of(changed("strategy/canary/steps", [step])))

    assert spec.strategy.steps == (
        CanaryStep(
            weight=Weight(12_500),
            bake=Bake(minimum=2 * MINUTE, maximum=90 * MINUTE, otherwise=Outcome.PAUSE),
            gate=Gate(name="qa", timeout=timedelta(hours=4), otherwise=Outcome.PAUSE),
        ),
    )


def test_what_a_steps_bake_leaves_out_the_canarys_bake_says():
    document = changed("strategy/canary/bake", {"min": "10m", "max": "20m", "otherwise": "pause"})
    document["strategy"]["canary"]["steps"] = [5, {"weight": 10, "bake": {"max": "40m"}}]

    spec = parse_spec(body_of(document))

    usual = Bake(minimum=10 * MINUTE, maximum=20 * MINUTE, otherwise=Outcome.PAUSE)
    longer = Bake(minimum=10 * MINUTE, maximum=40 * MINUTE, otherwise=Outcome.PAUSE)
    assert [step.bake for step in spec.strategy.steps] == [usual, longer]
    assert spec.strategy.promotion_bake == usual


@pytest.mark.parametrize(("least", "most"), [(1, 30), (10, 30), (11, 33), (60, 180)])
def test_a_bake_without_a_maximum_may_take_half_an_hour_or_three_times_its_minimum(least, most):
    spec = parse_spec(body_of(changed("strategy/canary/bake", {"min": f"{least}m"})))

    assert spec.strategy.steps[0].bake == Bake(minimum=least * MINUTE, maximum=most * MINUTE)


def test_the_promotion_bakes_as_the_steps_do_where_the_canary_says_how_long():
    spec = parse_spec(body_of(changed("strategy/canary/bake", {"min": "2m"})))

    assert spec.strategy.promotion_bake == Bake(minimum=2 * MINUTE, maximum=30 * MINUTE)
    assert spec.deadlines.progress == 60 * MINUTE


@pytest.mark.parametrize(
    ("bake", "least", "most"), [({"otherwise": "rollback"}, 20, 60), ({"max": "25m"}, 20, 25), ({"min": "30m"}, 30, 90)]
)
def test_what_the_promotions_bake_leaves_out_is_twenty_minutes_to_an_hour_where_the_canary_says_nothing(
    bake, least, most
):
    spec = parse_spec(body_of(changed("strategy/canary/promotion/bake", bake)))

    assert spec.strategy.promotion_bake == Bake(minimum=least * MINUTE, maximum=most * MINUTE)
    assert spec.strategy.steps[0].bake == STEP_BAKE


@pytest.mark.parametrize(("window", "least"), [("1h", 60), ("30m", 30), ("5m", 5)])
def test_the_default_bakes_and_the_guards_fit_a_long_window(window, least):
    spec = parse_spec(body_of(changed("metrics", {"window": window, "lag": "15m"})))

    step = Bake(minimum=least * MINUTE, maximum=max(30, 3 * least) * MINUTE)
    promotion = Bake(minimum=max(20, least) * MINUTE, maximum=max(60, 3 * least) * MINUTE)
    assert (spec.strategy.steps[0].bake, spec.strategy.promotion_bake) == (step, promotion)
    assert {guard.over for guard in spec.guards} == {5 * least * MINUTE}
    assert spec.deadlines.progress == 2 * promotion.maximum


def test_a_canary_may_leave_out_its_steps_where_it_says_what_must_be_seen():
    document = changed("judgement/smallestRegression", "2x")
    document["strategy"]["canary"] = {"bake": {"min": "3m"}}

    steps = parse_spec(body_of(document)).strategy.steps

    assert [step.weight for step in steps] == [1_000, 5_000, 20_000, 50_000]
    assert {step.bake for step in steps} == {Bake(minimum=3 * MINUTE, maximum=30 * MINUTE)}


@pytest.mark.parametrize(
    ("guard", "expected"),
    [
        ({"metric": "error-rate", "max": "2%"}, Threshold(maximum=0.02)),
        ({"metric": "error-rate", "max": 0.02}, Threshold(maximum=0.02)),
        ({"metric": "error-rate", "max": "7%"}, Threshold(maximum=0.07)),
        ({"metric": "error-rate", "max": 0}, Threshold(maximum=0.0)),
        ({"metric": "error-rate", "ratio": {"max": 1.25, "slack": "0.5%"}}, Ratio(1.25, 0.005)),
        ({"metric": "latency", "max": 200}, Threshold(maximum=200.0)),
        ({"metric": "latency", "max": "200ms"}, Threshold(maximum=200.0)),
        ({"metric": "latency", "max": "1.5s"}, Threshold(maximum=1500.0)),
        ({"metric": "latency", "ratio": {"max": 1.5, "slack": "20ms"}}, Ratio(1.5, 20.0)),
        ({"metric": "latency", "ratio": {"max": 2}}, Ratio(2.0, 0.0)),
        ({"metric": "requests", "min": 1}, Threshold(minimum=1.0)),
        ({"metric": "requests", "min": 1, "max": 900}, Threshold(minimum=1.0, maximum=900.0)),
    ],
)
def test_a_guards_limits_are_in_the_unit_of_its_metric(guard, expected):
    spec = parse_spec(body_of(changed("guards", [{"name": "g", "over": "3m", "minimumRequests": 7, **guard}])))

    [read] = spec.guards
    assert (read.test, read.over, read.minimum_requests) == (expected, 3 * MINUTE, 7)


def test_a_version_is_read_from_a_header_where_one_is_named():
    spec = parse_spec(body_of(changed("targets/0/version", {"path": "/", "header": "X-Version"})))

    assert spec.targets[0].version == VersionProbe(path="/", header="X-Version", pointer=None)


def test_a_resource_id_is_taken_in_any_case_and_kept_as_it_was_written():
    odd = SITE.replace("resourceGroups", "resourcegroups").replace("Microsoft.Web/sites", "microsoft.web/Sites")

    assert parse_spec(body_of(changed("targets/0/resource", odd))).targets[0].resource == odd


def test_a_notification_without_topics_is_told_everything():
    document = changed("notifications", [{"name": "ops", "url": "https://hooks.example.org/"}])

    assert parse_spec(body_of(document)).notifications[0].topics == tuple(Topic)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("application", ""),
        ("application", "Shop"),
        ("application", "-shop"),
        ("application", "s" * 64),
        ("application", "shop\n"),
        ("application", 7),
        ("application", None),
        ("targets", []),
        ("targets", {}),
        ("targets/0", "web"),
        ("targets/0/name", "Web"),
        ("targets/0/name", "wéb"),
        ("targets/0/kind", "kubernetes"),
        ("targets/0/places", ["blue", "green"]),
        ("targets/0/converts", True),
        ("targets/0/swapWithPreview", "yes"),
        ("targets/0/slot", "production"),
        ("targets/0/slot", "Production"),
        ("targets/0/slot", "a/b"),
        ("targets/0/region", ""),
        ("targets/0/wave", 0),
        ("targets/0/wave", 1.5),
        ("targets/0/wave", True),
        ("targets/0/resource", "shop"),
        ("targets/0/resource", f"{SITE}/slots/candidate"),
        ("targets/0/resource", SITE.replace("sites", "serverfarms")),
        ("targets/0/resource", SITE.replace("Microsoft.Web", "Microsoft.App")),
        ("targets/0/resource", SITE.replace("resourceGroups/shop", "resourceGroups/a shop")),
        ("targets/0/resource", SITE.replace("resourceGroups/shop", "resourceGroups/..")),
        ("targets/0/resource", SITE.replace("resourceGroups/shop", "resourceGroups/shop.")),
        ("targets/0/resource", SITE.replace("resourceGroups/shop", "resourceGroups/sh\x00op")),
        ("targets/0/resource", SITE.replace("resourceGroups/shop", "resourceGroups/shop?a=b")),
        ("targets/0/resource", f"{SITE}\n"),
        ("targets/0/resource", SITE.replace("sites/shop", "sites/shöp")),
        ("targets/0/resource", SITE.replace("resourceGroups", "groups")),
        ("targets/0/resource", SITE.replace("1111", "<id>")),
        ("targets/0/resource", f"{SITE}/"),
        ("targets/0/version", {"header": "X-Version", "pointer": "/version"}),
        ("targets/0/health", []),
        ("strategy/canary/steps", []),
        ("strategy/canary/steps", 5),
        ("strategy/canary/steps/1", 5),
        ("strategy/canary/steps/1", 4),
        ("strategy/canary/steps/2", 100),
        ("strategy/canary/steps/2", "100%"),
        ("strategy/canary/steps/0", 0),
        ("strategy/canary/steps/0", "0%"),
        ("strategy/canary/steps/0", -5),
        ("strategy/canary/steps/0", 1e300),
        ("strategy/canary/steps/0", 10**90),
        ("strategy/canary/steps/0", 0.0005),
        ("strategy/canary/steps/0", "5"),
        ("strategy/canary/steps/0", "0.0005%"),
        ("strategy/canary/steps/0", True),
        ("strategy/canary/steps/0", None),
        ("metrics/window", "2m"),
        ("metrics/window", "7s"),
        ("metrics/source", "prometheus"),
        ("metrics/values", []),
        ("metrics/window", "90s"),
        ("metrics/window", "2d"),
        ("metrics/window", 60),
        ("metrics/lag", "16m"),
        ("metrics/lag", "-1s"),
        ("guards", []),
        ("whenBusy", "queue"),
        ("whenBusy", "wait"),
        ("alerts/onFired", "promote"),
        ("deadlines/otherwise", "promote"),
        ("deadlines/preflight", "0s"),
        ("deadlines/progress", "366d"),
        ("deadlines/progress", "999999999d"),
        ("notifications", {}),
    ],
)
def test_a_wrong_value_is_refused_by_its_path(path, value):
    written = "".join(f"[{key}]" if key.isdigit() else f".{key}" for key in path.split("/")).removeprefix(".")

    assert paths_refused(changed(path, value)) == [written]


@pytest.mark.parametrize(
    "path",
    [
        "application",
        "targets/0/name",
        "targets/0/kind",
        "targets/0/resource",
        "targets/0/slot",
        "strategy/canary/steps",
    ],
)
def test_what_must_be_there_is_missed_by_its_path(path):
    document = copy.deepcopy(SMALLEST)
    *around, last = [int(key) if key.isdigit() else key for key in path.split("/")]
    at: Any = document
    for key in around:
        at = at[key]
    del at[last]

    [problem] = refused(document)

    others = "; allowed is one of steps, linear and exponential" if last == "steps" else ""
    assert problem.message == f"is missing{others}"
    assert problem.path == path.replace("/0/", "[0].").replace("/", ".")


@pytest.mark.parametrize(
    ("guard", "path"),
    [
        ({"metric": "error-rate"}, "guards[0]"),
        ({"metric": "error-rate", "max": "2%", "ratio": {"max": 2}}, "guards[0]"),
        ({"metric": "error-rate", "min": "2%"}, "guards[0].min"),
        ({"metric": "error-rate", "max": "101%"}, "guards[0].max"),
        ({"metric": "error-rate", "max": 1}, "guards[0].max"),
        ({"metric": "error-rate", "max": 2}, "guards[0].max"),
        ({"metric": "error-rate", "max": 1e-12}, "guards[0].max"),
        ({"metric": "error-rate", "max": "200ms"}, "guards[0].max"),
        ({"metric": "error-rate", "ratio": {"max": 0}}, "guards[0].ratio.max"),
        ({"metric": "error-rate", "ratio": {"max": 1, "slack": 2}}, "guards[0].ratio.slack"),
        ({"metric": "error-rate", "ratio": {"slack": "2%"}}, "guards[0].ratio.max"),
        ({"metric": "latency", "max": "2%"}, "guards[0].max"),
        ({"metric": "latency", "max": -1}, "guards[0].max"),
        ({"metric": "latency", "max": "9999s"}, "guards[0].max"),
        ({"metric": "latency", "min": 20, "max": "10ms"}, "guards[0].max"),
        ({"metric": "requests", "min": "1"}, "guards[0].min"),
        ({"metric": "requests", "ratio": {"max": 2}}, "guards[0].ratio"),
        ({"metric": "requests", "min": 2, "max": 1}, "guards[0].max"),
        ({"metric": "apdex", "max": 1}, "guards[0].metric"),
        ({"metric": "latency", "max": 1, "over": "90s"}, "guards[0].over"),
        ({"metric": "latency", "max": 1, "over": "30s"}, "guards[0].over"),
        ({"metric": "latency", "max": 1, "minimumRequests": 0}, "guards[0].minimumRequests"),
        ({"metric": "latency", "max": 1, "name": "G"}, "guards[0].name"),
    ],
)
def test_a_guard_whose_test_does_not_fit_is_refused_by_its_path(guard, path):
    assert paths_refused(changed("guards", [{"name": "g", **guard}])) == [path]


def test_a_bare_number_for_an_error_rate_gets_the_hint_to_write_percent():
    [problem] = refused(changed("guards", [{"name": "g", "metric": "error-rate", "max": 2}]))

    assert "2%" in problem.message


@pytest.mark.parametrize(
    ("bake", "path"),
    [
        ({"min": "5m", "max": "5m"}, "max"),
        ({"min": "5m", "max": "4m"}, "max"),
        ({"max": "1m"}, "max"),
        ({"min": "30s"}, "min"),
        ({"min": "1m", "max": "2m59s"}, "max"),
        ({"min": 5}, "min"),
    ],
)
@pytest.mark.parametrize("place", ["strategy/canary/bake", "strategy/canary/promotion/bake"])
def test_a_bake_in_which_nothing_could_be_judged_is_refused(place, bake, path):
    assert paths_refused(changed(place, bake)) == [f"{place.replace('/', '.')}.{path}"]


def test_a_bake_that_ends_when_its_first_window_is_seen_is_taken():
    assert parse_spec(body_of(changed("strategy/canary/bake", {"min": "1m", "max": "3m"})))


@pytest.mark.parametrize(
    "path", ["", "version", "//other.example", "/a b", "/a#b", "/\\other.example", "/a\nb", "https://other.example/"]
)
@pytest.mark.parametrize("probe", ["version", "health"])
def test_a_probe_cannot_leave_the_applications_own_host(probe, path):
    assert paths_refused(changed(f"targets/0/{probe}/path", path)) == [f"targets[0].{probe}.path"]


@pytest.mark.parametrize("pointer", ["version", "/a~2b", "/a~"])
def test_a_pointer_follows_rfc_6901(pointer):
    assert paths_refused(changed("targets/0/version/pointer", pointer)) == ["targets[0].version.pointer"]


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.org/",
        "https://",
        "https:///x",
        "ftp://hooks.example.org/",
        "https://s3cret@hooks.example.org/",
        "https://user:s3cret@hooks.example.org/",
        "https://hooks.example.org:s3cret/",
        "https://[s3cret/",
        "https://hooks.example.org/ s3cret",
        "https://hooks.example.org/s3cret\n",
        "https://hooks.example.org/?a=b\r\nX-Key: s3cret",
        "https://hooks.exämple.org/s3cret",
        "https://hooks.example\\.org/s3cret",
        "https://s3cret..example.org/",
        "http://localhost.example.org/?code=s3cret",
    ],
)
def test_a_webhook_is_https_without_a_password_and_its_address_is_not_repeated(url):
    [problem] = refused(changed("notifications", [{"name": "ops", "url": url}]))

    assert problem.path == "notifications[0].url"
    assert "s3cret" not in problem.message


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/x", "http://localhost/x", "http://[::1]/x"])
def test_a_webhook_on_this_machine_may_be_http(url):
    document = changed("notifications", [{"name": "ops", "url": url}])

    assert parse_spec(body_of(document)).notifications[0].url == url


def test_a_key_pasted_where_a_settings_name_belongs_is_not_repeated():
    document = changed("notifications", [{"name": "o", "url": "https://a.example/", "secretSetting": "s3cret+=="}])

    [problem] = refused(document)

    assert problem.path == "notifications[0].secretSetting"
    assert "s3cret" not in problem.message


@pytest.mark.parametrize(
    "name",
    [
        "SLIPWAY_KEYS",
        "slipway_keys",
        "SLIPWAY_ACCESS_TOKEN",
        "slipway_secret_ops",
        "ServiceBus",
        "SERVICEBUS",
        "ServiceBus__fullyQualifiedNamespace",
        "AzureWebJobsStorage",
        "APPLICATIONINSIGHTS_CONNECTION_STRING",
        "WEBSITE_AUTH_ENCRYPTION_KEY",
        "IDENTITY_HEADER",
        "MSI_SECRET",
        "AZURE_CLIENT_SECRET",
    ],
)
def test_nothing_is_signed_with_what_the_app_itself_is_set_up_with(name):
    document = changed("notifications", [{"name": "o", "url": "https://a.example/", "secretSetting": name}])

    [problem] = refused(document)

    assert problem.path == "notifications[0].secretSetting"
    assert "keep the key in one whose name begins with SLIPWAY_SECRET_" in problem.message
    assert name not in problem.message


@pytest.mark.parametrize("name", ["SLIPWAY_SECRET_OPS", "OPS_WEBHOOK_KEY", "SERVICEBUS_HOOK", "AZURE_HOOK", "_a"])
def test_any_setting_of_a_teams_own_may_sign(name):
    document = changed("notifications", [{"name": "o", "url": "https://a.example/", "secretSetting": name}])

    assert parse_spec(body_of(document)).notifications[0].secret_setting == name


def test_an_object_in_a_wrong_place_is_not_repeated():
    [problem] = refused(changed("notifications", {"url": "https://user:s3cret@a.example/"}))

    assert problem.message == "found an object; allowed is a list"


def test_names_are_their_own():
    document = copy.deepcopy(SMALLEST)
    document["targets"].append({**document["targets"][0], "resource": f"{SITE}2"})
    document["guards"] = [{"name": "g", "metric": "latency", "max": 1}] * 2
    document["notifications"] = [{"name": "ops", "url": "https://hooks.example.org/"}] * 2

    assert paths_refused(document) == ["guards[1].name", "notifications[1].name", "targets[1].name"]


def test_a_site_is_named_once_in_whatever_case():
    document = copy.deepcopy(SMALLEST)
    document["targets"].append({**document["targets"][0], "name": "b", "resource": SITE.upper(), "slot": "other"})

    assert paths_refused(document) == ["targets[1].resource"]


def test_a_queue_before_a_slot_is_refused_with_what_to_use():
    [problem] = refused(changed("whenBusy", "queue"))

    assert "supersede or reject" in problem.message


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("strateggy", "did you mean strategy?"),
        ("targets/0/regoin", "did you mean region?"),
        ("targets/0/Slot", "did you mean slot?"),
        ("whenbusy", "did you mean whenBusy?"),
        ("zzz", "allowed are application, targets"),
    ],
)
def test_an_unknown_field_is_refused_and_a_near_one_suggested(path, hint):
    [problem] = refused(changed(path, 1))

    assert hint in problem.message


def test_a_misspelt_choice_is_refused_and_the_near_one_suggested():
    [problem] = refused(changed("whenBusy", "superseed"))

    assert "did you mean supersede?" in problem.message


@pytest.mark.parametrize("text", ["999d", "31d", "0s", "week", 5, "99999999999d"])
def test_how_long_to_keep_warm_is_refused_with_the_limit_and_the_form(text):
    [problem] = refused(changed("keepWarm", text))

    assert problem.path == "keepWarm"
    assert problem.message.endswith("allowed is a duration from 1s to 30d, such as 30m, 1h or 7d")


@pytest.mark.parametrize("strategy", [None, "canary", 5, []])
def test_a_strategy_that_is_none_is_one_problem(strategy):
    [problem] = refused(changed("strategy", strategy))

    assert (problem.path, problem.message.endswith("allowed is an object")) == ("strategy", True)


def test_what_a_kind_of_target_has_none_of_is_said_of_its_kind():
    [problem] = refused(changed("targets/0/places", ["a", "b"]))

    assert "targets of kind app-service-slot have none; allowed is to leave it out" in problem.message


def test_everything_that_is_wrong_is_told_at_once():
    document = changed("strategy/canary/steps", [25, 5, {"weight": 50, "bake": {"min": "1h", "max": "1m"}}])
    document["targets"].append({"name": "web", "kind": "app-service-slot"})
    document["guards"] = [{"name": "g", "metric": "latency", "max": 1, "over": "90s"}]
    document["whenBusy"] = "queue"
    document["oops"] = True

    assert paths_refused(document) == [
        "guards[0].over",
        "oops",
        "strategy.canary.steps[1]",
        "strategy.canary.steps[2].bake.max",
        "targets[1].name",
        "targets[1].resource",
        "targets[1].slot",
        "whenBusy",
    ]


def test_a_wrong_part_makes_no_other_part_look_wrong():
    document = changed("metrics/window", "5 parsecs")
    document["guards"] = [{"name": "g", "metric": "latency", "max": 1, "over": "25s"}]
    document["strategy"]["canary"]["bake"] = {"min": "5s", "max": "oops"}
    document["strategy"]["canary"]["steps"] = ["x", {"weight": 5, "bake": {"min": "1h"}}]

    assert paths_refused(document) == ["metrics.window", "strategy.canary.bake.max", "strategy.canary.steps[0]"]


def test_bakes_are_not_held_against_a_window_that_is_wrong():
    document = changed("metrics/window", "2m")
    document["strategy"]["canary"]["bake"] = {"min": "5s", "max": "10s"}

    assert paths_refused(document) == ["metrics.window"]


@pytest.mark.parametrize(
    "document",
    [
        changed("strategy/canary/steps", [0] * 80_000),
        changed("targets/0/health/statuses", [{"a": number} for number in range(15_000)]),
        SMALLEST | {f"k{number}": 1 for number in range(18_000)},
        changed("targets/0/version/pointer", "/a" * 120_000 + "~"),
        changed("deadlines/progress", "1" * 250_000),
    ],
    ids=["steps", "statuses", "unknown fields", "pointer", "duration"],
)
def test_a_long_wrong_document_is_refused_without_delay(document):
    began = time.process_time()
    refused(document)
    assert time.process_time() - began < 2


def test_no_more_problems_are_told_than_anyone_reads():
    assert len(refused(changed("strategy/canary/steps", [0] * 20_000))) == 100


YAML = b"""\
# a comment
application: Shop
targets:
  - name: web
    kind: app-service-slot
    resource: /subscriptions/s
    slot: candidate
    regoin: westeurope
  - {name: web, kind: app-service-slot}
strategy:
  canary:
    steps:
      - 25
      - weight: 5

      - 50
    bake:
      min: 5m
      max: 1m
whenBusy: queue
"""


def test_problems_in_yaml_have_the_line_where_they_stand():
    with pytest.raises(InvalidError) as error:
        parse_spec(YAML, "application/yaml")

    assert [(problem.path, problem.line) for problem in error.value.problems] == [
        ("application", 2),
        ("targets[0].resource", 6),
        ("targets[0].regoin", 8),
        ("targets[1].resource", 9),
        ("targets[1].slot", 9),
        ("targets[1].name", 9),
        ("strategy.canary.steps[1].weight", 14),
        ("strategy.canary.bake.max", 19),
        ("whenBusy", 20),
    ]


@pytest.mark.parametrize(
    "content_type", [None, "", "application/json", "application/vnd.slipway+json; charset=UTF-8", "text/plain", "a;=;;"]
)
def test_json_is_read_whatever_it_is_called(content_type):
    assert parse_spec(body_of(SMALLEST), content_type) == parse_spec(body_of(SMALLEST))


@pytest.mark.parametrize(
    "content_type",
    [None, "application/yaml", "Text/YAML", "application/x-yaml; charset=utf-8", "application/x-www-form-urlencoded"],
)
@pytest.mark.parametrize("flow", [True, False])
def test_yaml_is_read_whatever_it_is_called(content_type, flow):
    import yaml

    text = yaml.safe_dump(SMALLEST, default_flow_style=flow).encode()

    assert parse_spec(text, content_type) == parse_spec(body_of(SMALLEST))


def test_yaml_that_is_called_json_is_refused():
    with pytest.raises(InvalidError, match="not JSON"):
        parse_spec(YAML, "application/json")


def test_another_charset_is_refused():
    with pytest.raises(InvalidError, match="UTF-8"):
        parse_spec(body_of(SMALLEST), "application/json; charset=latin1")


@pytest.mark.parametrize("body", [b"", b"  \n", b"null", b"[]", b"7", b"shop", b"\xff\xfe{\x00}\x00", b"{" * 9000])
def test_what_is_no_document_is_refused_as_a_whole(body):
    with pytest.raises(InvalidError):
        parse_spec(body)


@settings(max_examples=150, deadline=None)
@given(spec_documents())
def test_a_spec_that_keeps_the_rules_is_taken_and_rendered_without_loss(document):
    spec = parse_spec(body_of(document))

    rendered = render_spec(spec)

    assert parse_spec(body_of(rendered), "application/json") == spec
    assert render_spec(parse_spec(body_of(rendered))) == rendered


APP = SITE.replace("Microsoft.Web/sites", "Microsoft.App/containerApps")
PROFILE = SITE.replace("Microsoft.Web/sites", "Microsoft.Network/trafficManagerProfiles")
ROUTE = "https://kube.example:6443/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/shop"


def with_target(**fields):
    return changed("targets/0", {"name": "web", **fields})


@pytest.mark.parametrize("asked", [True, False])
def test_a_slot_is_swapped_with_preview_only_where_the_spec_says_so(asked):
    spec = parse_spec(body_of(with_target(kind="app-service-slot", resource=SITE, slot="s", swapWithPreview=asked)))

    assert spec.targets[0].swap_with_preview is asked
    assert parse_spec(body_of(render_spec(spec))) == spec


@pytest.mark.parametrize(
    ("fields", "places"),
    [
        ({"kind": "container-app", "resource": APP}, ()),
        ({"kind": "container-app", "resource": APP, "converts": True}, ()),
        (
            {"kind": "traffic-manager", "resource": PROFILE, "places": ["blue", "green"]},
            (NamedPlace(name="blue"), NamedPlace(name="green")),
        ),
        (
            {"kind": "http-route", "resource": ROUTE, "places": [{"name": "a", "host": "a.example:81"}, {"name": "b"}]},
            (NamedPlace(name="a", host="a.example:81"), NamedPlace(name="b")),
        ),
    ],
)
def test_every_kind_of_target_is_taken_and_rendered_as_it_was(fields, places):
    spec = parse_spec(body_of(with_target(**fields) | {"metrics": {"source": {"kind": "observations"}}}))

    assert (spec.targets[0].kind, spec.targets[0].places) == (fields["kind"], places)
    assert spec.targets[0].converts is fields.get("converts", False)
    assert parse_spec(body_of(render_spec(spec))) == spec


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"kind": "app-service-slot", "resource": SITE}, "targets[0].slot"),
        ({"kind": "container-app", "resource": APP, "slot": "candidate"}, "targets[0].slot"),
        ({"kind": "container-app", "resource": APP, "places": ["a", "b"]}, "targets[0].places"),
        ({"kind": "container-app", "resource": APP, "swapWithPreview": True}, "targets[0].swapWithPreview"),
        ({"kind": "container-app", "resource": PROFILE}, "targets[0].resource"),
        ({"kind": "container-app", "resource": f"{APP}/"}, "targets[0].resource"),
        ({"kind": "traffic-manager", "resource": PROFILE}, "targets[0].places"),
        ({"kind": "traffic-manager", "resource": PROFILE, "places": ["a"]}, "targets[0].places"),
        ({"kind": "traffic-manager", "resource": PROFILE, "places": ["a", "a"]}, "targets[0].places[1]"),
        ({"kind": "http-route", "resource": f"{ROUTE}/status", "places": ["a", "b"]}, "targets[0].resource"),
        (
            {"kind": "http-route", "resource": ROUTE, "places": ["a", {"name": "b", "host": "http://b"}]},
            "targets[0].places[1].host",
        ),
    ],
)
def test_what_a_kind_of_target_must_not_have_or_lacks_is_refused_by_its_path(fields, path):
    document = with_target(**fields) | {"metrics": {"source": {"kind": "observations"}}}
    assert paths_refused(document) == [path]


def test_a_container_app_is_measured_by_its_own_requests_of_each_revision():
    spec = parse_spec(body_of(with_target(kind="container-app", resource=APP)))

    assert spec.measuring.source == AzureMonitorSource(
        failures="Requests", failures_where=("statusCodeCategory", "5xx"), latency="", split_by="revisionName"
    )
    assert [guard.name for guard in spec.guards] == ["errors", "share"]
    assert parse_spec(body_of(render_spec(spec))) == spec


@pytest.mark.parametrize(
    ("fields", "source", "says"),
    [
        ({"kind": "traffic-manager", "resource": PROFILE, "places": ["a", "b"]}, None, "observations"),
        ({"kind": "http-route", "resource": ROUTE, "places": ["a", "b"]}, None, "prometheus"),
        ({"kind": "container-app", "resource": APP}, {"kind": "azure-monitor"}, "splitBy: revisionName"),
    ],
)
def test_platform_metrics_that_do_not_tell_the_versions_apart_are_refused_with_those_that_do(fields, source, says):
    document = with_target(**fields) | ({"metrics": {"source": source}} if source else {})
    [problem] = refused(document)

    assert problem.path == "metrics.source"
    assert says in problem.message
