"""Canaries of Flagger as release specs: what its fields come to, and what is said of those that come to nothing."""

import pytest

from shared.wire.peers.accounts import Fate
from shared.wire.peers.targets import Server
from tests.unit.wire.peers.manifests import CANARY, canary, chosen, imported, said, spec_of

SUCCESS_RATE = "metrics: [{name: request-success-rate, interval: 1m, thresholdRange: {min: 99}}]"


def test_an_even_ramp_is_a_linear_canary_on_the_route_of_the_service():
    spec = spec_of(canary("maxWeight: 50\nstepWeight: 10"))

    assert spec["application"] == "shop"
    assert spec["strategy"]["canary"]["linear"] == {"step": 10, "max": 50}
    assert spec["targets"] == [
        {
            "name": "shop",
            "kind": "http-route",
            "resource": "https://shop.example.org/apis/gateway.networking.k8s.io/v1/namespaces/prod/httproutes/shop",
            "places": [{"name": "shop-primary"}, {"name": "shop-canary"}],
        }
    ]


@pytest.mark.parametrize(
    ("weights", "steps"),
    [
        ("maxWeight: 50\nstepWeight: 20", [20, 40, 60]),
        ("maxWeight: 20\nstepWeight: 20", [20]),
        ("maxWeight: 100\nstepWeight: 40", [40, 80]),
        ("stepWeights: [1, 5, 80]", [1, 5, 80]),
        ("stepWeights: [5, 1, 80, 100]", [5, 80]),
        ("maxWeight: 50", [5, 25, 50]),
    ],
)
def test_weights_go_as_flagger_would_go_and_end_below_everyone(weights, steps):
    assert spec_of(canary(weights))["strategy"]["canary"]["steps"] == steps


def test_weights_that_fall_are_left_out_and_said():
    line = said(imported(canary("stepWeights: [5, 1, 80]")), "spec.analysis.stepWeights")

    assert (line.fate, line.words) == (Fate.NO_EQUAL, "weights only rise; chosen: those that do: 5, 80")


def test_a_hundred_small_steps_are_thinned_to_what_a_canary_takes():
    result = imported(canary("maxWeight: 99\nstepWeight: 1"))

    assert len(result.specs[0].document["strategy"]["canary"]["steps"]) <= 50
    assert said(result, "spec.analysis.stepWeight").fate is Fate.NO_EQUAL


def test_an_interval_is_the_least_time_and_failed_checks_are_what_a_step_may_last_longer():
    spec = spec_of(canary("stepWeight: 10\nmaxWeight: 50").replace("interval: 1m", "interval: 2m"))

    assert spec["strategy"]["canary"]["bake"] == {"min": "2m", "max": "12m"}


def test_an_interval_below_a_window_lasts_a_window():
    spec = spec_of(canary("stepWeight: 10\nmaxWeight: 50").replace("interval: 1m", "interval: 10s"))

    assert spec["strategy"]["canary"]["bake"] == {"min": "1m", "max": "2m"}


def test_the_built_in_success_rate_limits_the_failed_requests():
    spec = spec_of(canary(f"stepWeight: 10\n{SUCCESS_RATE}"))

    assert spec["guards"] == [
        {"name": "request-success-rate", "metric": "error-rate", "max": "1%", "over": "1m"},
        {"name": "share", "metric": "requests", "share": True},
    ]
    source = spec["metrics"]["source"]
    assert source["url"] == "https://prometheus.example.org"
    assert source["failures"] == source["requests"].replace("}", ',response_code=~"5.*"}')
    assert 'destination_workload=~"shop(-primary|-canary)?"' in source["requests"]


def test_the_built_in_duration_limits_the_99th_percentile_of_one_version():
    spec = spec_of(
        canary("stepWeight: 10\nmetrics: [{name: request-duration, interval: 30s, thresholdRange: {max: 500}}]")
    )

    [value] = spec["metrics"]["values"]
    assert value["query"].startswith("histogram_quantile(0.99, sum(rate(istio_request_duration_milliseconds_bucket{")
    assert 'destination_version="$version"}[$window]' in value["query"]
    assert spec["guards"][0] == {
        "name": "request-duration",
        "metric": "gauge",
        "value": "request-duration",
        "max": 500,
        "over": "30s",
    }
    assert spec["metrics"]["window"] == "30s"


@pytest.mark.parametrize(
    ("provider", "counts", "unit"),
    [
        ("linkerd", "response_total{", "ms"),
        ("nginx", "nginx_ingress_controller_requests{", None),
        ("gatewayapi:v1", "http_request_duration_seconds_count{", None),
        ("appmesh:v1beta2", "envoy_cluster_upstream_rq{", "ms"),
        ("smi:v1alpha3", "istio_requests_total{", "ms"),
    ],
)
def test_requests_are_counted_as_the_provider_counts_them(provider, counts, unit):
    source = spec_of(CANARY.replace("provider: istio", f'provider: "{provider}"'))["metrics"]["source"]

    assert source["requests"].startswith(counts)
    assert source.get("latencyUnit") == unit


def test_a_canary_without_metrics_is_judged_by_the_default_guards_and_says_so():
    result = imported(canary("stepWeight: 10"))

    assert "guards" not in result.specs[0].document
    assert "default ones" in chosen(result)["guards"]


METRIC_TEMPLATE = """
apiVersion: flagger.app/v1beta1
kind: MetricTemplate
metadata: {name: NAME, namespace: monitoring}
spec:
  provider: {type: prometheus, address: "http://prometheus.istio-system:9090"}
  query: |
QUERY
"""


def metric_template(query: str, name: str = "own") -> str:
    indented = "".join(f"    {line}\n" for line in query.splitlines())
    return METRIC_TEMPLATE.replace("QUERY", indented).replace("NAME", name)


USES_OWN = """
stepWeight: 10
metrics:
  - name: own metric
    interval: 1m
    templateRef: {name: own, namespace: monitoring}
    thresholdRange: {max: 0.5}
    templateVariables: {direction: inbound}
"""


def test_a_template_of_another_file_is_a_figure_of_one_version_with_its_words_filled_in():
    query = 'max(queue{ns="{{ namespace }}",app=~"{{ target }}-canary",d="{{variables.direction}}"}[{{ interval }}])'
    spec = spec_of(canary(USES_OWN), metric_template(query))

    assert spec["metrics"]["values"] == [
        {
            "name": "own-metric",
            "kind": "gauge",
            "query": 'max(queue{ns="prod",app=~"shop(-primary|-canary)?",d="inbound",version="$version"}[$window])',
        }
    ]
    assert spec["guards"][0] == {
        "name": "own-metric",
        "metric": "gauge",
        "value": "own-metric",
        "max": 0.5,
        "over": "1m",
    }
    assert spec["metrics"]["source"]["url"] == "https://prometheus.istio-system:9090"


def test_a_template_in_the_same_file_is_found_too_and_its_values_are_accounted_for():
    result = imported(canary(USES_OWN) + "---" + metric_template('max(queue{app="{{ target }}"})'))

    assert result.refusals == ()
    line = said(result, "spec.query")
    assert (line.fate, line.document) == (Fate.BECOMES, 2)


def test_the_metrics_server_is_that_of_built_in_metrics_and_the_first_one_that_is_asked_counts():
    both = USES_OWN.replace("metrics:", "metrics:\n  - {name: request-success-rate, thresholdRange: {min: 99}}")

    result = imported(canary(both), metric_template('max(queue{app="{{ target }}"})'))

    assert result.specs[0].document["metrics"]["source"]["url"] == "https://prometheus.example.org"
    assert "reads one Prometheus" in said(result, "spec.analysis.metrics[1]").words


def test_a_part_of_all_requests_becomes_an_error_rate():
    query = (
        '100 - sum(rate(requests{app="{{ target }}",code!~"5.*"}[1m])) / '
        'sum(rate(requests{app="{{ target }}"}[{{ interval }}])) * 100'
    )
    spec = spec_of(canary(USES_OWN), metric_template(query))

    assert spec["guards"][0] == {"name": "own-metric", "metric": "error-rate", "max": "0.5%", "over": "1m"}
    assert spec["metrics"]["source"]["requests"] == 'requests{app=~"shop(-primary|-canary)?"}'
    assert spec["metrics"]["source"]["failures"] == 'requests{app=~"shop(-primary|-canary)?",code=~"5.*"}'


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ('up{a="{{ index variables "b" }}"}', "more than one of Flagger's words"),
        ("{{ cluster }}", "no word of Flagger's"),
        ('up{a="{{ variables.other }}"}', "templateVariables do not have"),
        ("sum(rate({{ target }}_total[1m]))", "outside of a condition"),
        ('up{a="1" b="2"}', "not read"),
        ("sum(up", "brackets close"),
    ],
)
def test_a_query_that_cannot_be_asked_is_no_guard_and_says_why(query, why):
    result = imported(canary(USES_OWN), metric_template(query))

    line = said(result, "spec.analysis.metrics[0]")
    assert line.fate is Fate.NO_EQUAL
    assert why in line.words
    assert "guards" not in result.specs[0].document


def test_a_template_that_is_not_given_is_said_to_be_missing():
    line = said(imported(canary(USES_OWN)), "spec.analysis.metrics[0]")

    assert line.fate is Fate.NO_EQUAL
    assert "the MetricTemplate own in monitoring is not in these files" in line.words


def test_a_template_of_another_provider_says_what_to_do():
    text = metric_template("a").replace("type: prometheus", "type: datadog")

    line = said(imported(canary(USES_OWN), text), "spec.analysis.metrics[0]")

    assert '"datadog" is not asked' in line.words
    assert "metrics.source" in line.words


def test_secrets_of_a_provider_are_named_by_a_setting_and_never_repeated():
    text = metric_template('max(queue{app="{{ target }}"})').replace(
        "type: prometheus,", 'type: prometheus, headers: {Authorization: ["Bearer s3cret"]}, secretRef: {name: token},'
    )
    result = imported(canary(USES_OWN), text)

    source = result.specs[0].document["metrics"]["source"]
    assert (source["auth"], source["secretSetting"]) == ("bearer", "SLIPWAY_SECRET_PROMETHEUS")
    assert "s3cret" not in repr(result)


WEBHOOKS = """
stepWeight: 20
maxWeight: 40
webhooks:
  - {name: Start, type: confirm-rollout, url: http://gate.test/}
  - {name: more, type: confirm-traffic-increase, url: http://gate.test/}
  - {name: promote, type: confirm-promotion, url: http://gate.test/}
  - {name: again, type: confirm-promotion, url: http://gate.test/}
  - {name: load, url: http://loadtester.test/, timeout: 5s, metadata: {cmd: hey}}
  - {name: smoke, type: pre-rollout, url: http://loadtester.test/}
  - {name: back, type: rollback, url: http://gate.test/}
  - {name: news, type: event, url: "https://hooks.example.org/news"}
  - {name: local-news, type: event, url: "http://hooks.test/news"}
  - {name: done, type: post-rollout, url: "https://hooks.example.org/done"}
  - {name: Check, type: pre-rollout, url: "https://hooks.example.org/check"}
  - {name: check, type: pre-rollout, url: "https://hooks.example.org/again"}
  - {name: test, type: pre-rollout, url: "https://loadtester.example.org/", metadata: {cmd: hey}}
  - {name: expand, type: pre-rollout, url: "https://hooks.example.org/grow"}
"""


def test_waits_are_gates_news_notifications_a_first_call_is_a_hook_and_the_rest_is_said():
    result = imported(canary(WEBHOOKS))
    spec = result.specs[0].document

    wait = {"timeout": "7d", "otherwise": "pause"}
    assert spec["strategy"]["canary"]["steps"] == [
        {"weight": 20, "gate": {"name": "start", **wait}},
        {"weight": 40, "gate": {"name": "more", **wait}},
    ]
    assert spec["strategy"]["canary"]["promotion"] == {"gate": {"name": "promote", **wait}}
    assert spec["notifications"] == [
        {"name": "news", "url": "https://hooks.example.org/news"},
        {
            "name": "done",
            "url": "https://hooks.example.org/done",
            "topics": ["succeeded", "rolled-back", "aborted", "failed"],
        },
    ]
    assert spec["hooks"] == [
        {"name": "check", "at": "before-rollout", "webhook": {"url": "https://hooks.example.org/check"}}
    ]
    for number in (3, 4, 5, 6, 8, 11, 12, 13):
        assert said(result, f"spec.analysis.webhooks[{number}]").fate is Fate.NO_EQUAL


def test_iterations_are_blue_green_and_are_judged_before_the_switch():
    spec = spec_of(canary(f"iterations: 10\nmirror: true\n{SUCCESS_RATE}"))

    assert spec["strategy"] == {"blueGreen": {"preview": {"bake": {"min": "10m", "max": "15m"}}}}


def test_iterations_without_a_limit_are_not_judged_before_the_switch_since_they_could_not_be():
    result = imported(canary("iterations: 10"))

    assert result.specs[0].document["strategy"] == {"blueGreen": {}}
    assert said(result, "spec.analysis.iterations").fate is Fate.NO_EQUAL


@pytest.mark.parametrize(
    ("field", "value", "path"),
    [
        ("suspend", "true", "spec.suspend"),
        ("skipAnalysis", "true", "spec.skipAnalysis"),
    ],
)
def test_what_has_no_equal_is_said_with_what_was_chosen(field, value, path):
    line = said(imported(CANARY.replace("  targetRef", f"  {field}: {value}\n  targetRef")), path)

    assert line.fate is Fate.NO_EQUAL
    assert "; chosen: " in line.words


def test_without_a_server_that_of_pods_is_taken_and_said():
    result = imported(CANARY, server=None)

    assert result.specs[0].document["targets"][0]["resource"].startswith("https://kubernetes.default.svc/apis/")
    assert "--server" in chosen(result)["targets[0].resource"]


def test_a_prometheus_that_is_not_known_stands_as_a_name_that_cannot_exist():
    result = imported(CANARY.replace("  metricsServer: https://prometheus.example.org\n", ""), server=Server())

    assert result.specs[0].document["metrics"]["source"]["url"] == "https://prometheus.invalid"
    assert "fill in" in chosen(result)["metrics.source.url"]


def test_the_older_name_of_the_analysis_is_taken_too():
    text = CANARY.replace("  analysis:", "  canaryAnalysis:").replace("v1beta1", "v1alpha3")

    assert spec_of(text + "    stepWeight: 25\n    maxWeight: 50\n")["strategy"]["canary"]["linear"]["step"] == 25


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("interval: 1m", "interval: soon", 'spec.analysis.interval: found "soon"; allowed is a duration such as 30s'),
        ("threshold: 5", "threshold: many", 'spec.analysis.threshold: found "many"; allowed is a whole number'),
        ("name: shop, namespace", "name: Shop, namespace", 'metadata.name: found "Shop"; allowed is a name'),
        ("  service: {port: 80}", "  service: 80", "spec.service: found 80; allowed is an object"),
        ("kind: Canary", "kind: Canarry", 'kind: found "Canarry"; taken are a Canary'),
        ("flagger.app/v1beta1", "apps/v1", 'apiVersion: found "apps/v1"; the kind Canary is of flagger.app'),
        ("  targetRef:", "  target:", "spec.targetRef: is missing"),
    ],
)
def test_what_is_wrong_is_refused_with_its_path_and_its_line(old, new, told):
    result = imported(CANARY.replace(old, new))

    assert result.specs == ()
    [refusal, *_] = [refusal for refusal in result.refusals if told in str(refusal)]
    assert refusal.problem.line is not None
    assert str(refusal).startswith(f"file-1.yaml:{refusal.problem.line}: ")


def test_a_field_that_nobody_knows_is_said_with_the_nearest_known_one():
    line = said(imported(canary("stepWeigth: 10")), "spec.analysis.stepWeigth")

    assert line.fate is Fate.UNKNOWN
    assert "did you mean stepWeight?" in line.words
