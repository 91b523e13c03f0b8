"""The Canary of the guide is complete: Flagger would take it, and every webhook of it is understood here."""

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from jsonschema import Draft202012Validator

from shared.domain.rollout.flagger import Kind
from shared.domain.rollout.weight import to_percent
from shared.wire.flagger_questions import OURS, parse_question, token_in
from tests.functions.api_client import routes
from tests.unit.wire.payload_samples import samples

GUIDE = (Path(__file__).resolve().parents[2] / "docs/guides/flagger.md").read_text()
(CODE,) = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
CANARY = yaml.safe_load(CODE)
WEBHOOKS = CANARY["spec"]["analysis"]["webhooks"]
DEFINITION = samples("flagger/spec/crd.yaml")


def test_it_has_a_webhook_of_every_type():
    assert sorted(webhook["type"] for webhook in WEBHOOKS) == sorted(Kind)


@pytest.mark.parametrize("webhook", WEBHOOKS, ids=lambda webhook: webhook["type"])
def test_every_address_of_it_is_a_route_for_its_type(webhook):
    path = urlsplit(webhook["url"]).path
    patterns = [re.sub(r"\{\w+\}", "([^/]+)", route) for method, route in routes() if method == "POST"]
    (found,) = filter(None, (re.fullmatch(pattern, path) for pattern in patterns))

    assert found.groups() == ("shop", webhook["type"])
    assert not urlsplit(webhook["url"]).query


@pytest.mark.parametrize("webhook", WEBHOOKS, ids=lambda webhook: webhook["type"])
def test_what_it_says_at_every_webhook_is_understood(webhook):
    sent = {**CANARY["metadata"], "phase": "Progressing", "checksum": "0", "metadata": webhook["metadata"]}
    body = json.dumps(sent).encode()

    asked = parse_question(Kind(webhook["type"]), body)

    assert (asked.canary, asked.version, asked.wave) == ("web/shop in west", "2.4.1", 1)
    assert to_percent(asked.highest) == CANARY["spec"]["analysis"]["stepWeights"][-1]
    assert token_in(body) == webhook["metadata"]["token"]
    assert sorted(webhook["metadata"]) == sorted(OURS)


def test_the_guide_explains_everything_that_a_canary_may_say_and_every_webhook():
    for name in (*OURS, *Kind):
        assert f"`{name}`" in GUIDE


@pytest.mark.skipif(not DEFINITION, reason="Flagger's definition of a Canary does not lie beside the project")
def test_flaggers_own_definition_of_a_canary_takes_it():
    definitions = [each for each in yaml.safe_load_all(DEFINITION[0].read_text()) if each]
    (definition,) = (each for each in definitions if each["spec"]["names"]["kind"] == "Canary")
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]

    Draft202012Validator(schema).validate(CANARY)
