"""The queries of Flagger's metrics, with its words filled in and for one version at a time."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from shared.wire.peers.meshes import Workload
from shared.wire.peers.promql import Query, Selector, exactly_one_of, read_query, widened

_WORD: Final = re.compile(r"\{\{-?\s*([a-zA-Z]+(?:\.[a-zA-Z0-9_-]+)?)\s*-?\}\}(-canary|-primary)?")
_APART: Final = {"target": "\ue000", "service": "\ue001", "ingress": "\ue002", "route": "\ue003"}
"""Names by which Flagger tells the candidate from the primary, marked until it is known how each is compared."""


@dataclass(frozen=True, slots=True)
class Words:
    """What Flagger fills into a query."""

    name: str
    workload: Workload
    variables: Mapping[str, str]


def read_flagger_query(text: str, words: Words) -> Query:
    """Return the query of one metric. Raises ValueError with the reason where it cannot be asked here.

    Where Flagger asks of the candidate's workload alone, both are asked of: here the two take turns, and the version
    tells them apart.
    """
    filled = _WORD.sub(lambda match: _filled(match, words), text)
    if "{{" in filled:
        raise ValueError("it holds an expression that is more than one of Flagger's words")
    query = read_query(filled).each(lambda selector: _of_both(selector, words.workload))
    if any(mark in str(query) for mark in _APART.values()):
        raise ValueError("it names the workload outside of a condition on a label")
    return query


def _filled(match: re.Match[str], words: Words) -> str:
    word, end = match[1], match[2] or ""
    if word in _APART:
        return _APART[word]
    if word.startswith("variables."):
        value = words.variables.get(word.removeprefix("variables."))
        if value is None:
            raise ValueError(f"it wants {word:.60}, which templateVariables do not have")
        return f"{value}{end}"
    known = {"name": words.name, "namespace": words.workload.namespace, "interval": "$window"}
    if word not in known:
        raise ValueError(f"{word:.60} is no word of Flagger's")
    return f"{known[word]}{end}"


def _of_both(selector: Selector, workload: Workload) -> Selector:
    matchers = tuple(
        each for each in selector.matchers if (each.label, each.operator, each.value) != ("canary", "!=", "")
    )
    for word, mark in _APART.items():
        pattern = f"{exactly_one_of((getattr(workload, word),))[1:-1]}(-primary|-canary)?"
        matchers = tuple(widened(matcher, mark, pattern) for matcher in matchers)
    return replace(selector, matchers=matchers)
