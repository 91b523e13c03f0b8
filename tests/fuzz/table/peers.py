"""Manifests of Flagger and Argo Rollouts."""

import json

from shared.wire.peers.importing import Import, import_files
from shared.wire.peers.manifests import File
from shared.wire.peers.targets import Server
from tests.fuzz.parser import Form, Parser
from tests.fuzz.seeds import fenced, given, payloads, together
from tests.unit.wire.peers.manifests import CANARY, ROLLOUT, TEMPLATE

SERVER = Server("https://shop.example.org", is_given=True)
_STEPS = """
    canary:
      canaryService: shop-canary
      stableService: shop-stable
      trafficRouting: {plugins: {argoproj-labs/gatewayAPI: {httpRoute: shop, namespace: prod}}}
      analysis: {templates: [{templateName: checks}], startingStep: 2, args: [{name: service, value: shop}]}
      steps:
        [{setWeight: 20}, {pause: {duration: 10m}}, {setWeight: 50}, {pause: {}},
         {analysis: {templates: [{templateName: checks}]}}]
"""
_TEMPLATE = TEMPLATE.replace("QUERY", '"sum(rate(a{c=~\\"5..\\"}[1m])) / sum(rate(a[1m]))"').replace(
    "CONDITION", "successCondition: result[0] < 0.05"
)
_WEBHOOKS = """
    webhooks:
      - {name: load, type: pre-rollout, url: "http://tester/"}
      - {name: gate, type: confirm-promotion, url: "http://tester/gate"}
    metrics:
      - {name: request-success-rate, thresholdRange: {min: 99}, interval: 1m}
      - {name: request-duration, thresholdRange: {max: 500}, interval: 30s}
    match: [{headers: {x-user: {exact: insider}}}]
    iterations: 10
"""


def _import(body: bytes) -> Import:
    """Nothing is raised; what is refused says why, and each spec that is made reads as one."""
    result = import_files((File("shop.yaml", body),), SERVER)
    assert bool(result.specs) + bool(result.refusals) < 2
    for refusal in result.refusals:
        assert refusal.problem.message
        json.dumps(str(refusal))
    for spec in result.specs:
        spec.text()
    for line in result.lines:
        str(line)
    return result


PEERS = (
    Parser(
        name="flagger-canary",
        form=Form.YAML,
        read=_import,
        refuses=(),
        seeds=together(
            given(CANARY, CANARY + _WEBHOOKS[1:]),
            payloads("flagger/canary/*.yaml", 20),
            payloads("flagger/metrictemplate/*.yaml", 4),
        ),
    ),
    Parser(
        name="argo-rollout",
        form=Form.YAML,
        read=_import,
        refuses=(),
        seeds=together(
            given(
                ROLLOUT + _STEPS[1:],
                ROLLOUT + "    blueGreen: {activeService: a, previewService: b, autoPromotionEnabled: false}\n",
                _TEMPLATE,
            ),
            payloads("argo-rollouts/rollout/*.yaml", 20),
            payloads("argo-rollouts/analysistemplate/*.yaml", 6),
        ),
    ),
    Parser(
        name="manifests",
        form=Form.TEXT,
        read=_import,
        refuses=(),
        seeds=together(
            given(f"{ROLLOUT}{_STEPS[1:]}---\n{_TEMPLATE}---\n{CANARY}"), fenced("coming-from-a-peer", within="kind:")
        ),
    ),
)
