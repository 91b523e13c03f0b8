"""Manifests to import, and what came of them in short."""

from typing import Any

from shared.wire.findings import Findings, Part
from shared.wire.peers.accounts import EACH, Fate, Line, parse_known_path
from shared.wire.peers.importing import Import, import_files
from shared.wire.peers.manifests import File
from shared.wire.peers.targets import Server
from shared.wire.source import Source

SERVER = Server("https://shop.example.org", is_given=True)

CANARY = """
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: shop, namespace: prod}
spec:
  provider: istio
  metricsServer: https://prometheus.example.org
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: shop}
  service: {port: 80}
  analysis:
    interval: 1m
    threshold: 5
"""

ROLLOUT = """
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: shop, namespace: prod, labels: {region: west}}
spec:
  strategy:
"""

TEMPLATE = """
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: checks}
spec:
  args: [{name: service}, {name: hash}]
  metrics:
    - name: success rate
      interval: 2m
      provider:
        prometheus:
          address: https://prometheus.example.org
          query: QUERY
      CONDITION
"""


def imported(*texts: str, server: Server | None = SERVER) -> Import:
    files = [File(f"file-{number}.yaml", text.encode()) for number, text in enumerate(texts, start=1)]
    return import_files(files, server)


def spec_of(*texts: str) -> dict[str, Any]:
    result = imported(*texts)
    assert [str(refusal) for refusal in result.refusals] == []
    [spec] = result.specs
    return spec.document


def canary(more: str) -> str:
    """A Canary with more of its analysis."""
    return CANARY + "".join(f"    {line}\n" for line in more.strip("\n").splitlines())


def rollout(strategy: str) -> str:
    """A Rollout with this strategy."""
    return ROLLOUT + "".join(f"    {line}\n" for line in strategy.strip("\n").splitlines())


def template(query: str, condition: str) -> str:
    return TEMPLATE.replace("QUERY", repr(query)).replace("CONDITION", condition)


def said(result: Import, path: str) -> Line:
    """The line on a path of the documents."""
    [line] = [line for line in result.lines if line.path == path and line.fate is not Fate.CHOSEN]
    return line


def chosen(result: Import) -> dict[str, str]:
    return {line.path: line.words for line in result.lines if line.fate is Fate.CHOSEN}


def part_at(path: str) -> Part:
    """A document with one value, at this path."""
    document: Any = "value"
    for key in reversed(parse_known_path(path)):
        document = [document] if key == EACH else {key: document}
    return Part(document, (), Findings(Source(document)))
