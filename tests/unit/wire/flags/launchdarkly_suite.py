"""Reads LaunchDarkly's evaluation data: documents with placeholders, each of which becomes many."""

import copy
import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.unit.wire.flags.suites import FOLDER

SUITE = FOLDER / "launchdarkly" / "server-side-eval"


class _Loader(yaml.SafeLoader):
    """YAML, but `on`, `off`, `yes` and `no` are texts, as YAML 1.2 has them; `<<` still merges."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool" or first in "tTfF"]
    for first, resolvers in copy.deepcopy(yaml.SafeLoader.yaml_implicit_resolvers).items()
}


@dataclass(frozen=True)
class Case:
    """One evaluation, with the flags and segments among which it is made."""

    name: str
    data: dict[str, Any]
    flag: str
    context: dict[str, Any]
    expected: dict[str, Any]
    default: Any


def cases(path: Path) -> list[Case]:
    """Return every evaluation of a file, for every combination of its parameters."""
    document = yaml.load(path.read_text(), Loader=_Loader)
    return [case for values in _parameters(document) for case in _cases(path.stem, document, values)]


def _parameters(document):
    parameters = document.get("parameters") or [{}]
    if isinstance(parameters[0], list):
        return [dict(itertools.chain(*(each.items() for each in row))) for row in itertools.product(*parameters)]
    return parameters


def _cases(stem, document, values):
    words = {**(document.get("constants") or {}), **values}
    known = {name: _filled(value, words) for name, value in words.items()}
    data = _filled(document["sdkData"], known)
    for evaluation in _filled(document["evaluations"], known):
        name = f"{stem}: {_filled(document['name'], known)}: {evaluation.get('name', evaluation['flagKey'])}"
        yield Case(
            name=name,
            data=data,
            flag=evaluation["flagKey"],
            context=evaluation["context"],
            expected=evaluation["expect"],
            default=evaluation.get("default"),
        )


def _filled(value, words):
    """Put words in: a text that is one placeholder becomes its value, others are put into the text."""
    if isinstance(value, dict):
        return {_filled(key, words): _filled(each, words) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, words) for each in value]
    if not isinstance(value, str):
        return value
    for name, word in words.items():
        if value == f"<{name}>":
            return _filled(word, {key: each for key, each in words.items() if key != name})
    for name, word in words.items():
        if f"<{name}>" in value:
            value = value.replace(f"<{name}>", word if isinstance(word, str) else json.dumps(word))
    return value
