"""The guide for those who come from a peer: its example runs, and its tables name fields that are known."""

import json
import re
from pathlib import Path

import pytest
import yaml

from cli.__main__ import main
from shared.domain.rollout.flagger import Kind
from shared.wire.flagger_questions import parse_question
from shared.wire.peers.accounts import parse_known_path
from shared.wire.peers.argo_fields import ANALYSIS_TEMPLATE, ROLLOUT
from shared.wire.peers.flagger_fields import CANARY

GUIDE = (Path(__file__).parents[3] / "docs" / "guides" / "coming-from-a-peer.md").read_text()
BLOCKS = re.findall(r"```(?:yaml|text)\n(.*?)```", GUIDE, re.DOTALL)
MANIFESTS, SPEC, REPORT, WEBHOOKS = BLOCKS
KNOWN = {path for known in (CANARY, ROLLOUT, ANALYSIS_TEMPLATE) for path in known.accounts}


def test_the_example_is_imported_to_what_the_guide_shows(tmp_path, monkeypatch, capsys):
    (tmp_path / "canary.yaml").write_text(MANIFESTS)
    monkeypatch.chdir(tmp_path)

    assert main(["import", "canary.yaml", "--server", "https://kubernetes.example.org"]) == 0

    told = capsys.readouterr()
    assert told.out == SPEC
    assert [line for line in REPORT.splitlines() if line not in told.err.splitlines()] == []


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:spec|metadata)\.[^` ]+)`", GUIDE))))
def test_each_field_of_the_tables_is_known(path):
    keys = parse_known_path(path)

    assert any(known[: len(keys)] == keys or keys[: len(known)] == known for known in KNOWN)


@pytest.mark.parametrize("webhook", yaml.safe_load(WEBHOOKS)["webhooks"], ids=lambda each: each["type"])
def test_a_canary_that_stays_asks_what_slipway_answers(webhook):
    body = {
        "name": "shop",
        "namespace": "prod",
        "phase": "Progressing",
        "checksum": "1",
        "metadata": webhook["metadata"],
    }

    question = parse_question(Kind(webhook["type"]), json.dumps(body).encode())

    assert question.version == "2.4.1"
    assert webhook["url"].endswith(f"/api/flagger/shop/{webhook['type']}")
