"""The words of OpenFeature's and flagd's feature files, said with OpenFeature's own client for Python."""

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.flag_evaluation import FlagEvaluationDetails
from openfeature.hook import Hook

from tests.gherkin import Scenario, Step

REASONS = {"DEFAULT": {"UNKNOWN", "STATIC"}, "TARGETING_MATCH": {"TARGETING_MATCH", "SPLIT"}}
"""OFREP 0.3 has no DEFAULT, and a SPLIT where a percentage decides."""
OF_THE_CLIENT = re.compile(
    r"a (not ready|fatal|error|stale) provider|evaluation options containing|an evaluation context with modifiable"
    r"|an option \"selector\" of type|a metadata flagd provider"
)
"""What the client does by itself, or a server that has several sets of flags under one key."""
CACHED = 'the reason should be "CACHED"'
STANDING = re.compile(
    r"an evaluator|a stable( flagd)? provider|an option \"cache\" .*|the evaluation should complete .*"
)
"""What is so, for every scenario."""
_WORDS: list[tuple[re.Pattern[str], Callable[..., None]]] = []


class Seen(Hook):
    """Notes at which stages it was called, and with what details at the end."""

    def __init__(self) -> None:
        self.stages: dict[str, FlagEvaluationDetails[Any] | None] = {}

    def before(self, hook_context: Any, hints: Any) -> None:
        self.stages["before"] = None

    def after(self, hook_context: Any, details: Any, hints: Any) -> None:
        self.stages["after"] = details

    def error(self, hook_context: Any, exception: Exception, hints: Any) -> None:
        self.stages["error"] = None

    def finally_after(self, hook_context: Any, details: Any, hints: Any) -> None:
        self.stages["finally"] = details


class Told:
    """One scenario that is being told."""

    def __init__(self, client: OpenFeatureClient) -> None:
        self.client = client
        self.context: dict[str, Any] = {}
        self.hook = Seen()
        self.hooks: list[Hook] = []
        self.kind, self.key, self.fallback = "", "", None
        self.details: FlagEvaluationDetails[Any] | None = None

    def tell(self, scenario: Scenario) -> None:
        """Say every step, or skip the scenario where it is about the client alone."""
        for step in scenario.steps:
            if OF_THE_CLIENT.match(step.text) or step.text == CACHED:
                pytest.skip(f"about the client alone, or what this server has not: {step.text}")
        for step in scenario.steps:
            if not STANDING.fullmatch(step.text):
                self._say(step)

    def _say(self, step: Step) -> None:
        for pattern, does in _WORDS:
            if found := pattern.fullmatch(step.text):
                does(self, *found.groups(), *([step.table] if step.table else []))
                return
        raise AssertionError(f"nobody knows what this means: {step.text}")


def words(pattern: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def known(does: Callable[..., None]) -> Callable[..., None]:
        _WORDS.append((re.compile(pattern), does))
        return does

    return known


def value_of(kind: str, text: str) -> Any:
    match kind.lower():
        case "boolean":
            return text.lower() == "true"
        case "integer":
            return int(text)
        case "float":
            return float(text)
        case "object":
            return json.loads(text.replace('\\"', '"'))
    return text


@words(r'an? (\w+)-flag with key "([^"]*)" and a (?:fallback|default) value "(.*)"')
def _flag(told: Told, kind: str, key: str, fallback: str) -> None:
    told.kind, told.key, told.fallback = kind.lower(), key, value_of(kind, fallback)


@words(r'a context containing a key "([^"]*)", with type "([^"]*)" and with value "(.*)"')
def _attribute(told: Told, name: str, kind: str, text: str) -> None:
    told.context[name] = value_of(kind, text)


@words(r'a context containing a key "([^"]*)" with null value')
def _nothing(told: Told, name: str) -> None:
    told.context[name] = None


@words(r'a context containing a targeting key with value "(.*)"')
def _targeting_key(told: Told, key: str) -> None:
    told.context["targetingKey"] = key


@words(r'a context containing a nested property with outer key "(.*)" and inner key "(.*)", with value "(.*)"')
def _nested(told: Told, outer: str, inner: str, text: str) -> None:
    told.context.setdefault(outer, {})[inner] = text


@words("a client with added hook")
def _hook(told: Told) -> None:
    told.hooks.append(told.hook)


@words("the flag was evaluated with details( asynchronously)?")
def _evaluated(told: Told, later: str | None) -> None:
    attributes = {name: value for name, value in told.context.items() if name != "targetingKey"}
    context = EvaluationContext(told.context.get("targetingKey"), attributes)
    ask = getattr(told.client, f"get_{told.kind}_details{'_async' if later else ''}")
    asked = ask(told.key, told.fallback, context)
    told.details = asyncio.run(asked) if later else asked
    if told.hooks:
        told.client.add_hooks(told.hooks)
        told.details = ask(told.key, told.fallback, context)
        told.client.hooks.clear()


@words(r'the resolved details value should be "(.*)"')
def _value(told: Told, text: str) -> None:
    expected = value_of(told.kind, text)
    assert told.details.value == expected
    assert type(told.details.value) is type(expected), told.details


@words(r'the variant should be "(.*)"')
def _variant(told: Told, name: str) -> None:
    assert told.details.variant == name


@words(r'the flag key should be "(.*)"')
def _flag_key(told: Told, key: str) -> None:
    assert told.details.flag_key == key


@words(r'the reason should be "(.*)"')
def _reason(told: Told, reason: str) -> None:
    assert str(told.details.reason) in REASONS.get(reason, {reason})


@words(r'the error-code should be "(.*)"')
def _error(told: Told, code: str) -> None:
    assert (told.details.error_code.value if told.details.error_code else "") == code


@words("the resolved metadata should contain")
def _metadata(told: Told, table: tuple[dict[str, str], ...]) -> None:
    for row in table:
        assert told.details.flag_metadata[row["key"]] == value_of(row["metadata_type"], row["value"])


@words("the resolved metadata is empty")
def _no_metadata(told: Told) -> None:
    assert dict(told.details.flag_metadata) == {}


@words(r'the provider status should be "(.*)"')
def _status(told: Told, status: str) -> None:
    assert told.client.get_provider_status().value == status


@words(r'the "(\w+)" hook should have been executed')
def _hooked(told: Told, stage: str) -> None:
    assert stage in told.hook.stages


@words(r'the "([\w, ]+)" hooks should be called with evaluation details')
def _hooked_with(told: Told, stages: str, table: tuple[dict[str, str], ...]) -> None:
    for stage in stages.split(", "):
        details = told.hook.stages[stage]
        for row in table:
            found = getattr(details, row["key"])
            found = getattr(found, "value", found)
            expected = None if row["value"] == "null" else value_of(row["data_type"], row["value"])
            assert found == expected, (stage, row)
