"""Whatever a file holds, an import ends with specs that are valid or with reasons."""

import time
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.wire.json_source import MAX_BODY_BYTES
from shared.wire.peers.argo_fields import ANALYSIS_TEMPLATE, ROLLOUT
from shared.wire.peers.flagger_fields import CANARY, METRIC_TEMPLATE
from shared.wire.peers.importing import Import, import_files
from shared.wire.peers.manifests import File
from shared.wire.spec import parse_spec

GROUPS = {"Canary": "flagger.app/v1beta1", "MetricTemplate": "flagger.app/v1beta1"}
WORDS = sorted(
    {key for known in (CANARY, METRIC_TEMPLATE, ROLLOUT, ANALYSIS_TEMPLATE) for path in known.accounts for key in path}
    - {"*", "[]"}
)
QUERIES = ["a", 'sum(rate(a{b="{{ target }}"}[1m])) / sum(rate(a[1m]))', "{{args.x}}", "{{ variables.y }}", 'a{"', "#"]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["a", "shop", "1m", "10s", "500us", "result[0] >= 0.5", "prometheus", "confirm-rollout", *QUERIES]),
    st.text(max_size=12),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=6), inner, max_size=6)
    ),
    max_leaves=30,
)


def objects(kind: str, shape: Any) -> Any:
    """Objects of a kind whose values are likely, and now and then are not."""
    return st.builds(
        lambda spec, name: {
            "apiVersion": GROUPS.get(kind, "argoproj.io/v1alpha1"),
            "kind": kind,
            "metadata": {"name": name},
            "spec": spec,
        },
        shape,
        st.sampled_from(["shop", "own"]) | SCALARS,
    )


def mostly(likely: Any) -> Any:
    return likely | likely | likely | VALUES


METRIC = st.fixed_dictionaries(
    {"name": mostly(st.sampled_from(["request-success-rate", "request-duration", "own"]))},
    optional={
        "interval": mostly(st.sampled_from(["1m", "7s", "90s", "100h"])),
        "threshold": mostly(st.integers(-5, 200)),
        "thresholdRange": mostly(st.dictionaries(st.sampled_from(["min", "max"]), st.floats(-10, 200) | SCALARS)),
        "query": mostly(st.sampled_from(QUERIES)),
        "templateRef": mostly(st.just({"name": "own"})),
        "templateVariables": mostly(st.dictionaries(st.sampled_from(["y", "z"]), SCALARS)),
    },
)
WEBHOOK = st.fixed_dictionaries(
    {"name": mostly(st.sampled_from(["a", "b"]))},
    optional={
        "type": mostly(st.sampled_from(["confirm-rollout", "confirm-promotion", "event", "rollout", "post-rollout"])),
        "url": mostly(st.sampled_from(["http://a.test/", "https://hooks.example.org/a", "https://a?token=1"])),
    },
)
ANALYSIS = st.fixed_dictionaries(
    {},
    optional={
        "interval": mostly(st.sampled_from(["1m", "1s", "5m", "9000h"])),
        "threshold": mostly(st.integers(-1, 10**9)),
        "stepWeight": mostly(st.integers(-1, 101)),
        "maxWeight": mostly(st.integers(-1, 101)),
        "stepWeights": mostly(st.lists(st.integers(-1, 101), max_size=8)),
        "iterations": mostly(st.integers(-1, 10**6)),
        "metrics": mostly(st.lists(mostly(METRIC), max_size=13)),
        "webhooks": mostly(st.lists(mostly(WEBHOOK), max_size=5)),
    },
)
CANARIES = objects(
    "Canary",
    st.fixed_dictionaries(
        {"targetRef": mostly(st.just({"name": "shop"})), "analysis": mostly(ANALYSIS)},
        optional={
            "provider": mostly(st.sampled_from(["nginx", "skipper"])),
            "service": VALUES,
            "metricsServer": SCALARS,
        },
    ),
)
METRIC_TEMPLATES = objects(
    "MetricTemplate",
    mostly(
        st.fixed_dictionaries(
            {
                "provider": mostly(st.fixed_dictionaries({"type": mostly(st.just("prometheus"))})),
                "query": mostly(st.sampled_from(QUERIES)),
            }
        )
    ),
)
STEP = st.dictionaries(
    st.sampled_from(["setWeight", "pause", "analysis", "plugin", "experiment", "setCanaryScale"]),
    st.one_of(
        st.integers(-1, 101),
        st.fixed_dictionaries({}, optional={"duration": SCALARS | st.sampled_from(["1h", "9000h", 30])}),
        st.just({"templates": [{"templateName": "own"}], "args": [{"name": "x", "value": "shop"}]}),
        VALUES,
    ),
    max_size=2,
)
MOVES = st.fixed_dictionaries(
    {},
    optional={
        "steps": mostly(st.lists(STEP, max_size=8)),
        "analysis": mostly(st.just({"templates": [{"templateName": "own"}]})),
        "prePromotionAnalysis": mostly(st.just({"templates": [{"templateName": "own"}]})),
        "autoPromotionSeconds": mostly(st.integers(-1, 10**9)),
        "scaleDownDelaySeconds": mostly(st.integers(-1, 10**9)),
        "trafficRouting": VALUES,
    },
)
ROLLOUTS = objects(
    "Rollout",
    st.fixed_dictionaries(
        {"strategy": mostly(st.dictionaries(st.sampled_from(["canary", "blueGreen"]), mostly(MOVES), min_size=1))},
        optional={
            "minReadySeconds": mostly(st.integers(-1, 10**9)),
            "progressDeadlineSeconds": SCALARS,
            "paused": SCALARS,
        },
    ),
)
ANALYSIS_TEMPLATES = objects(
    "AnalysisTemplate",
    mostly(
        st.fixed_dictionaries(
            {
                "metrics": mostly(
                    st.lists(
                        st.fixed_dictionaries(
                            {
                                "provider": mostly(
                                    st.fixed_dictionaries(
                                        {
                                            "prometheus": mostly(
                                                st.fixed_dictionaries({"query": mostly(st.sampled_from(QUERIES))})
                                            )
                                        }
                                    )
                                )
                            },
                            optional={
                                "name": SCALARS,
                                "interval": mostly(st.sampled_from(["1m", "{{args.x}}"])),
                                "count": mostly(st.integers(-1, 10**9)),
                                "successCondition": mostly(
                                    st.sampled_from(["result[0] >= 0.5", "result > 1 && result < 0"])
                                ),
                                "failureCondition": SCALARS,
                            },
                        ),
                        max_size=3,
                    )
                )
            }
        )
    ),
)
DOCUMENTS = st.lists(
    st.one_of(CANARIES, METRIC_TEMPLATES, ROLLOUTS, ANALYSIS_TEMPLATES, st.dictionaries(st.text(max_size=8), VALUES)),
    min_size=1,
    max_size=3,
)


def check(result: Import) -> None:
    """An import is one or the other, and what it makes is valid; so are its words."""
    assert bool(result.specs) is not bool(result.refusals)
    for spec in result.specs:
        parse_spec(spec.text().encode())
    assert all(str(each) for each in (*result.lines, *result.refusals))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(DOCUMENTS)
def test_any_documents_are_imported_or_refused(documents):
    check(import_files([File("a.yaml", yaml.safe_dump_all(documents, allow_unicode=True).encode())]))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_imported_or_refused(body):
    check(import_files([File("a.yaml", body)]))


def test_the_longest_file_is_read_in_bounded_time():
    metrics = [{"name": f"m{n}", "query": "up{a='{{ target }}'}", "thresholdRange": {"max": 1}} for n in range(99)]
    spec = {"targetRef": {"name": "shop"}, "service": {"port": 1}, "analysis": {"stepWeight": 1, "metrics": metrics}}
    odd = {f"odd{n}": {"deep": [n]} for n in range(2000)}
    body = yaml.safe_dump(
        {"apiVersion": "flagger.app/v1beta1", "kind": "Canary", "metadata": {"name": "shop"}, "spec": {**spec, **odd}}
    ).encode()
    assert len(body) < MAX_BODY_BYTES

    began = time.process_time()
    check(import_files([File("a.yaml", body)]))

    assert time.process_time() - began < 20
