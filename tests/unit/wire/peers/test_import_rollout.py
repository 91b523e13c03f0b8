"""Rollouts of Argo Rollouts as release specs: what their fields come to, and what is said of the others."""

import pytest

from shared.wire.peers.accounts import Accounts, Fate
from shared.wire.peers.argo_fields import ROLLOUT as ROLLOUT_FIELDS
from tests.unit.wire.peers.manifests import ROLLOUT, chosen, imported, part_at, rollout, said, spec_of, template

WAIT = {"timeout": "7d", "otherwise": "pause"}
STEPS = """
canary:
  stableService: shop-stable
  canaryService: shop-canary
  steps:
    - setWeight: 10
    - pause: {duration: 2h}
    - setWeight: 40
    - pause: {}
    - setWeight: 60
    - pause: {duration: 90}
    - pause: {duration: "10m"}
    - pause: {}
"""


def test_a_pause_with_a_time_is_a_bake_and_one_without_is_a_gate_before_what_comes_next():
    spec = spec_of(rollout(STEPS))

    assert spec["strategy"] == {
        "canary": {
            "steps": [
                {"weight": 10, "bake": {"min": "2h", "max": "6h"}},
                40,
                {"weight": 60, "gate": {"name": "after-40", **WAIT}, "bake": {"min": "11m30s", "max": "34m30s"}},
            ],
            "promotion": {"gate": {"name": "after-60", **WAIT}},
        }
    }
    assert spec["targets"][0]["places"] == [{"name": "shop-stable"}, {"name": "shop-canary"}]


def steps(*entries: str) -> str:
    return rollout("canary:\n  steps:\n" + "".join(f"    - {entry}\n" for entry in entries))


@pytest.mark.parametrize(
    ("entries", "weights"),
    [
        (["setWeight: 20", "setWeight: 40"], [20, 40]),
        (["setWeight: 0", "setWeight: 40"], [40]),
        (["setWeight: 40", "setWeight: 20", "setWeight: 100", "setWeight: 50"], [40]),
        (["setWeight: 100"], [5, 25, 50]),
        (["pause: {}"], [5, 25, 50]),
    ],
)
def test_weights_rise_and_a_hundred_is_the_promotion(entries, weights):
    told = spec_of(steps(*entries))["strategy"]["canary"]["steps"]

    assert [each["weight"] if isinstance(each, dict) else each for each in told] == weights


def test_what_follows_a_hundred_percent_is_the_promotions_bake():
    promotion = spec_of(steps("setWeight: 50", "setWeight: 100", "pause: {duration: 1h}"))["strategy"]["canary"][
        "promotion"
    ]

    assert promotion == {"bake": {"min": "1h", "max": "3h"}}


def test_weights_are_shares_of_the_greatest_one():
    text = rollout("canary:\n  trafficRouting: {maxTrafficWeight: 1000}\n  steps: [{setWeight: 5}, {setWeight: 125}]")

    assert spec_of(text)["strategy"]["canary"]["steps"] == [0.5, 12.5]


@pytest.mark.parametrize(
    ("entry", "fate", "words"),
    [
        ("setCanaryScale: {replicas: 3}", Fate.NO_EQUAL, "scales no pods"),
        ("setHeaderRoute: {name: a, match: []}", Fate.NO_EQUAL, "by weight alone"),
        ("setMirrorRoute: {name: a, percentage: 5}", Fate.NO_EQUAL, "not mirrored"),
        ("experiment: {duration: 1h}", Fate.NO_EQUAL, "no pods are started"),
        ("plugin: {name: acme/check, config: {a: b}}", Fate.NO_EQUAL, "the gate acme-check before what comes next"),
        ("replicaProgressThreshold: {type: Percent, value: 90}", Fate.NO_EQUAL, "targets[].health"),
        ("setWieght: 5", Fate.UNKNOWN, "did you mean setWeight?"),
    ],
)
def test_steps_without_an_equal_are_said(entry, fate, words):
    result = imported(steps("setWeight: 10", entry))
    name = entry.partition(":")[0]

    [line] = [line for line in result.lines if line.path.startswith(f"spec.strategy.canary.steps[1].{name}")]
    assert line.fate is fate
    assert words in line.words


def test_a_step_may_hold_several_things_in_their_order():
    told = spec_of(steps("{setWeight: 10, pause: {duration: 15}}"))["strategy"]["canary"]["steps"]

    assert told == [{"weight": 10, "bake": {"min": "1m", "max": "30m"}}]


QUERY = (
    'sum(rate(istio_requests_total{destination_service=~"{{args.service}}",response_code!~"5.*"}[5m])) / '
    'sum(rate(istio_requests_total{destination_service=~"{{args.service}}"}[5m]))'
)
ANALYSED = """
canary:
  stableService: shop-stable
  canaryService: shop-canary
  analysis:
    templates: [{templateName: checks}]
    args:
      - {name: service, value: shop-canary.prod.svc}
      - {name: hash, valueFrom: {podTemplateHashValue: Latest}}
  steps: [{setWeight: 10}]
"""


@pytest.mark.parametrize(
    ("condition", "most"),
    [
        ("successCondition: result[0] >= 0.95", "5%"),
        ("successCondition: len(result) > 0 && result[0] >= 0.995", "0.5%"),
        ("failureCondition: result[0] < 0.9", "10%"),
        ("failureCondition: isNaN(result[0]) || result[0] < 0.9", "10%"),
        ("successCondition: default(result[0], 0) > 0.95", "5%"),
        ("successCondition: 0.95 <= asFloat(result[0])", "5%"),
    ],
)
def test_a_part_of_all_requests_that_succeeds_is_a_limit_of_those_that_fail(condition, most):
    spec = spec_of(rollout(ANALYSED), template(QUERY, condition))

    assert spec["guards"] == [
        {"name": "success-rate", "metric": "error-rate", "max": most, "over": "2m"},
        {"name": "share", "metric": "requests", "share": True},
    ]
    source = spec["metrics"]["source"]
    assert source["requests"] == 'istio_requests_total{destination_service=~"(shop-stable|shop-canary).prod.svc"}'
    assert source["failures"] == source["requests"].replace("}", ',response_code=~"5.*"}')
    assert source["versionLabel"] == "destination_version"


def test_a_part_of_all_requests_that_fails_is_a_limit_too():
    query = QUERY.replace('!~"5.*"', '=~"5.*"')

    assert spec_of(rollout(ANALYSED), template(query, "successCondition: result[0] < 0.01"))["guards"][0]["max"] == "1%"


def test_another_figure_is_a_gauge_of_one_version():
    query = 'max(queue{service="{{args.service}}",pod=~".*-{{ args.hash }}-.*"})'

    spec = spec_of(rollout(ANALYSED), template(query, "successCondition: result[0] >= 2 && result[0] <= 50"))

    assert spec["metrics"]["values"] == [
        {
            "name": "success-rate",
            "kind": "gauge",
            "query": 'max(queue{service=~"(shop-stable|shop-canary)[.]prod[.]svc",pod=~".*-$version-.*"})',
        }
    ]
    assert (spec["guards"][0]["min"], spec["guards"][0]["max"]) == (2, 50)


def test_the_label_that_holds_the_pods_hash_is_the_one_that_tells_the_version():
    every = 'requests{hash="{{args.hash}}"}'
    good = every.replace('}}"}', '}}",code!~"5.."}')
    query = f"sum(rate({good}[1m])) / sum(rate({every}[1m])) * 100"

    spec = spec_of(rollout(ANALYSED), template(query, "successCondition: result[0] >= 99"))

    assert spec["metrics"]["source"]["versionLabel"] == "hash"
    assert spec["metrics"]["source"]["failures"] == 'requests{code=~"5.."}'
    assert spec["guards"][0]["max"] == "1%"


@pytest.mark.parametrize(
    "condition",
    [
        "successCondition: result.successRate >= 0.95",
        "successCondition: result[0] >= 0.9 || result[0] == 0",
        "successCondition: result[0] != 0",
        "successCondition: all(result, {# > 1})",
        "failureCondition: result[0] == 0",
        "failureLimit: 2",
        "successCondition: result[0] >= {{args.unknown}}",
    ],
)
def test_a_condition_that_is_more_than_limits_is_no_guard_and_said(condition):
    result = imported(rollout(ANALYSED), template('up{a="b"}', condition))

    line = said(result, "spec.metrics[0]")
    assert line.fate is Fate.NO_EQUAL
    assert "guards" not in result.specs[0].document


@pytest.mark.parametrize(
    "provider", ["web: {url: a}", "job: {spec: {}}", "datadog: {query: a}", "kayenta: {}", "plugin: {}"]
)
def test_other_providers_are_said_with_what_to_do(provider):
    text = template("a", "successCondition: result > 1")
    text = text[: text.index("        prometheus:")] + f"        {provider}\n      successCondition: result > 1\n"

    line = said(imported(rollout(ANALYSED), text), "spec.metrics[0]")

    assert line.fate is Fate.NO_EQUAL
    assert "; chosen: no guard. " in line.words


def test_a_dry_run_decides_nothing_so_errors_are_compared_beside_it():
    text = rollout(ANALYSED.replace("  steps:", "    dryRun: [{metricName: suc*}]\n  steps:"))

    spec = spec_of(text, template('up{a="b"}', "successCondition: result[0] == 1"))

    assert spec["guards"][0]["notifyOnly"] is True
    assert spec["guards"][1]["tolerance"] == "no worse than 25% relative plus 0.05 points"


def test_a_template_that_is_used_twice_is_guarded_once():
    text = ANALYSED.replace("{templateName: checks}", "{templateName: checks}, {templateName: checks}")

    assert len(spec_of(rollout(text), template(QUERY, "successCondition: result[0] >= 0.95"))["guards"]) == 2


def test_templates_that_name_each_other_come_to_an_end():
    text = template(QUERY, "successCondition: result[0] >= 0.95") + "  templates: [{templateName: checks}]\n"

    assert len(spec_of(rollout(ANALYSED), text)["guards"]) == 2


def test_templates_of_the_cluster_are_told_from_those_of_the_namespace():
    text = template(QUERY, "successCondition: result[0] >= 0.95").replace("AnalysisTemplate", "ClusterAnalysisTemplate")
    scoped = ANALYSED.replace("templateName: checks", "templateName: checks, clusterScope: true")

    assert "guards" not in spec_of(rollout(ANALYSED), text)
    assert "guards" in spec_of(rollout(scoped), text)


def test_an_analysis_at_a_step_takes_its_time_there():
    strategy = """
canary:
  steps:
    - setWeight: 10
    - analysis: {templates: [{templateName: checks}], args: [{name: service, value: shop}]}
"""
    text = template(QUERY, "successCondition: result[0] >= 0.95\n      count: 5")

    assert spec_of(rollout(strategy), text)["strategy"]["canary"]["steps"] == [
        {"weight": 10, "bake": {"min": "10m", "max": "30m"}}
    ]


def test_an_argument_is_filled_in_only_where_a_template_may_ask_for_it():
    given = "canary:\n  analysis: {templates: [{templateName: %s}], args: [{name: service, value: shop}]}"
    there = imported(rollout(given % "checks"), template(QUERY, "successCondition: result[0] >= 0.95"))
    gone = imported(rollout(given % "elsewhere"))

    path = "spec.strategy.canary.analysis.args[0]"
    assert said(there, path).fate is Fate.BECOMES
    assert said(gone, path).fate is Fate.NO_EQUAL
    assert "no template that asks for it is in these files" in said(gone, path).words


def test_a_secret_of_an_argument_is_never_read():
    text = template(QUERY, "successCondition: result[0] >= 0.95").replace(
        "          query:",
        '          authentication: {oauth2: {clientSecret: "{{ args.hash }}"}}\n'
        "          headers: [{key: Authorization, value: Bearer s3cret}]\n          query:",
    )
    result = imported(rollout(ANALYSED), text)

    assert result.specs[0].document["metrics"]["source"]["auth"] == "bearer"
    assert "s3cret" not in repr(result)


BLUE_GREEN = """
blueGreen:
  activeService: shop-active
  previewService: shop-preview
  scaleDownDelaySeconds: 600
"""


def test_blue_green_switches_at_once_and_keeps_the_old_side_warm():
    spec = spec_of(rollout(BLUE_GREEN))

    assert spec["strategy"] == {"blueGreen": {}}
    assert spec["keepWarm"] == "10m"
    assert spec["targets"][0]["places"] == [{"name": "shop-active"}, {"name": "shop-preview"}]


def test_without_automatic_promotion_a_gate_waits_before_the_switch():
    spec = spec_of(rollout(f"{BLUE_GREEN}  autoPromotionEnabled: false"))

    assert spec["strategy"] == {"blueGreen": {"preview": {"gate": {"name": "promotion", **WAIT}}}}


def test_seconds_before_the_promotion_are_looks_that_must_all_find_the_candidate_well():
    spec = spec_of(rollout(f"{BLUE_GREEN}  autoPromotionEnabled: false\n  autoPromotionSeconds: 30"))

    assert spec["strategy"] == {"blueGreen": {}}
    assert spec["targets"][0]["health"] == {"passes": 7, "every": "5s"}


def test_analyses_before_and_after_the_switch_are_judged_there():
    analysis = "{templates: [{templateName: checks}], args: [{name: service, value: shop}]}"
    text = rollout(f"{BLUE_GREEN}  prePromotionAnalysis: {analysis}\n  postPromotionAnalysis: {analysis}")

    spec = spec_of(text, template(QUERY, "successCondition: result[0] >= 0.95\n      count: 10"))

    assert spec["strategy"] == {"blueGreen": {"preview": {"bake": {"min": "20m", "max": "1h"}}}}
    assert [guard["name"] for guard in spec["guards"]] == ["success-rate"]


def test_routes_of_the_gateway_plugin_are_the_targets():
    strategy = """
canary:
  trafficRouting:
    plugins:
      argoproj-labs/gatewayAPI: {namespace: edge, httpRoutes: [{name: web}, {name: api}], tcpRoutes: [{name: raw}]}
"""
    result = imported(rollout(strategy))

    ends = [target["resource"].partition("/namespaces/")[2] for target in result.specs[0].document["targets"]]
    assert ends == ["edge/httproutes/web", "edge/httproutes/api"]
    path = "spec.strategy.canary.trafficRouting.plugins.argoproj-labs/gatewayAPI.tcpRoutes"
    assert said(result, path).fate is Fate.NO_EQUAL


def test_other_routers_are_said_and_an_http_route_of_the_rollouts_name_is_chosen():
    result = imported(rollout("canary:\n  trafficRouting: {istio: {virtualService: {name: shop}}}"))

    assert said(result, "spec.strategy.canary.trafficRouting.istio").fate is Fate.NO_EQUAL
    assert chosen(result)["targets[0].resource.name"].startswith("shop: ")


def test_a_rollout_that_names_no_prometheus_is_measured_by_what_is_pushed():
    result = imported(rollout(STEPS))

    assert result.specs[0].document["metrics"]["source"] == {"kind": "observations"}
    assert "Push what users met" in chosen(result)["metrics.source"]


@pytest.mark.parametrize(("aborts", "otherwise"), [("true", "rollback"), ("false", "pause")])
def test_a_deadline_that_aborts_goes_back_and_one_that_does_not_pauses(aborts, otherwise):
    text = (
        ROLLOUT.replace("spec:\n", f"spec:\n  progressDeadlineSeconds: 300\n  progressDeadlineAbort: {aborts}\n")
        + "    canary: {steps: [{setWeight: 10}]}\n"
    )

    assert spec_of(text)["deadlines"] == {"preflight": "5m", "otherwise": otherwise}


def test_time_to_be_ready_is_looks_in_a_row():
    text = ROLLOUT.replace("spec:\n", "spec:\n  minReadySeconds: 1000\n") + "    canary: {steps: [{setWeight: 10}]}\n"

    assert spec_of(text)["targets"][0]["health"] == {"passes": 92, "every": "11s"}


@pytest.mark.parametrize(
    ("strategy", "told"),
    [
        (
            "canary:\n  steps: [{setWeight: 101}]",
            "steps[0].setWeight: found 101; allowed is a whole number from 0 to 100",
        ),
        ("canary:\n  steps: [{pause: {duration: soon}}]", "steps[0].pause.duration: found"),
        ("canary:\n  steps: {setWeight: 5}", "spec.strategy.canary.steps: found an object; allowed is a list"),
        ("canary:\n  stableService: a\n  canaryService: a", "canaryService: is the other Service too"),
        ("rolling: {}", "spec.strategy: says neither canary nor blueGreen"),
        ("canary: 5", "spec.strategy.canary: found 5; allowed is an object"),
    ],
)
def test_what_is_wrong_is_refused_with_its_path_and_its_line(strategy, told):
    result = imported(rollout(strategy))

    assert result.specs == ()
    [refusal] = [refusal for refusal in result.refusals if told in str(refusal)]
    assert refusal.problem.line is not None


PUBLISHED = """
minReadySeconds paused progressDeadlineAbort progressDeadlineSeconds replicas restartAt revisionHistoryLimit
analysis.successfulRunHistoryLimit analysis.unsuccessfulRunHistoryLimit rollbackWindow.revisions selector.matchLabels.a
selector.matchExpressions[].key template.metadata.labels.a template.spec.containers[].image workloadRef.name
workloadRef.scaleDown strategy.blueGreen.abortScaleDownDelaySeconds strategy.blueGreen.activeMetadata.labels.a
strategy.blueGreen.activeService strategy.blueGreen.antiAffinity.preferredDuringSchedulingIgnoredDuringExecution.weight
strategy.blueGreen.autoPromotionEnabled strategy.blueGreen.autoPromotionSeconds strategy.blueGreen.maxUnavailable
strategy.blueGreen.postPromotionAnalysis.args[].valueFrom.fieldRef.fieldPath
strategy.blueGreen.prePromotionAnalysis.dryRun[].metricName strategy.blueGreen.previewMetadata.annotations.a
strategy.blueGreen.prePromotionAnalysis.measurementRetention[].limit strategy.blueGreen.previewReplicaCount
strategy.blueGreen.prePromotionAnalysis.templates[].clusterScope strategy.blueGreen.previewService
strategy.blueGreen.scaleDownDelayRevisionLimit strategy.blueGreen.scaleDownDelaySeconds
strategy.canary.abortScaleDownDelaySeconds strategy.canary.analysis.analysisRunMetadata.labels.a
strategy.canary.analysis.startingStep strategy.canary.analysis.templates[].templateName
strategy.canary.antiAffinity.requiredDuringSchedulingIgnoredDuringExecution strategy.canary.canaryMetadata.labels.a
strategy.canary.canaryService strategy.canary.dynamicStableScale strategy.canary.maxSurge strategy.canary.maxUnavailable
strategy.canary.minPodsPerReplicaSet strategy.canary.pingPong.pingService strategy.canary.pingPong.pongService
strategy.canary.replicaProgressThreshold.type strategy.canary.scaleDownDelayRevisionLimit
strategy.canary.scaleDownDelaySeconds strategy.canary.stableMetadata.labels.a strategy.canary.stableService
strategy.canary.steps[].analysis.args[].valueFrom.podTemplateHashValue strategy.canary.steps[].experiment.duration
strategy.canary.steps[].experiment.templates[].specRef strategy.canary.steps[].experiment.analyses[].templateName
strategy.canary.steps[].pause.duration strategy.canary.steps[].plugin.config.a strategy.canary.steps[].plugin.name
strategy.canary.steps[].replicaProgressThreshold.value strategy.canary.steps[].setCanaryScale.matchTrafficWeight
strategy.canary.steps[].setHeaderRoute.match[].headerValue.exact strategy.canary.steps[].setMirrorRoute.percentage
strategy.canary.steps[].setWeight strategy.canary.trafficRouting.alb.stickinessConfig.enabled
strategy.canary.trafficRouting.ambassador.mappings[] strategy.canary.trafficRouting.apisix.route.rules[]
strategy.canary.trafficRouting.appMesh.virtualService.name strategy.canary.trafficRouting.istio.virtualService.routes[]
strategy.canary.trafficRouting.managedRoutes[].name strategy.canary.trafficRouting.maxTrafficWeight
strategy.canary.trafficRouting.nginx.stableIngresses[] strategy.canary.trafficRouting.plugins.a.b
strategy.canary.trafficRouting.smi.trafficSplitName strategy.canary.trafficRouting.traefik.weightedTraefikServiceName
"""


@pytest.mark.parametrize("path", PUBLISHED.split())
def test_each_field_that_argo_publishes_is_known(path):
    [line] = Accounts(ROLLOUT_FIELDS).lines(part_at(f"spec.{path}"), "", 1)

    assert line.fate is not Fate.UNKNOWN
