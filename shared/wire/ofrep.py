"""OpenFeature's remote evaluation protocol (OFREP 0.3), as narrow as its real clients need it.

Each success has a variant, a value and a reason of the protocol's own list, each failure has details, and what is a
number of seconds is a whole number: the clients that are out there throw their fallback value at anything else.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from shared.domain.errors import InvalidError
from shared.domain.flags.evaluation import ErrorCode, Evaluation, Reason
from shared.domain.flags.model import TARGETING_KEY, Json, Metadatum
from shared.wire.findings import closest, shown
from shared.wire.json_source import read_json

CONTEXT_BYTES_AT_MOST: Final = 64 * 1024
"""A context is what is known of one user; a longer body is refused with 413."""
ENTRIES_AT_MOST: Final = 1_000
"""The longest list in a context: clauses look at each entry, so this bounds what one evaluation can take."""


class Code(StrEnum):
    """Why nothing, or one flag, could not be evaluated, in OpenFeature's words."""

    PARSE_ERROR = "PARSE_ERROR"
    INVALID_CONTEXT = "INVALID_CONTEXT"
    TARGETING_KEY_MISSING = "TARGETING_KEY_MISSING"
    FLAG_NOT_FOUND = "FLAG_NOT_FOUND"
    GENERAL = "GENERAL"


_REASONS: Final = {
    Reason.KILLED: "DISABLED",
    Reason.OFF: "DISABLED",
    Reason.TARGET: "TARGETING_MATCH",
    Reason.RULE: "TARGETING_MATCH",
    Reason.SPLIT: "SPLIT",
    Reason.STATIC: "STATIC",
}
"""The protocol has no word for the others: they are UNKNOWN, and the metadata say more."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a request could not be answered."""

    code: Code
    details: str


def parse_context(body: bytes) -> dict[str, Json] | Failure:
    """Return the context of an evaluation request, or what is wrong with the request.

    A context without a targeting key is fine: only flags that need one will say so. An empty one is none.
    """
    try:
        request = read_json(body, at_most=CONTEXT_BYTES_AT_MOST)
    except InvalidError as error:
        return Failure(Code.PARSE_ERROR, str(error))
    if not isinstance(request, dict):
        return Failure(Code.PARSE_ERROR, f'found {shown(request)}; allowed is an object such as {{"context": {{}}}}')
    context = request.get("context")
    if not isinstance(context, dict):
        what = f"context: found {shown(context)}" if "context" in request else f"context: is missing{_near(request)}"
        return Failure(Code.INVALID_CONTEXT, f"{what}; allowed is an object of attributes")
    key = context.get(TARGETING_KEY, "")
    if key is not None and not isinstance(key, str):
        return Failure(Code.INVALID_CONTEXT, f"context.{TARGETING_KEY}: found {shown(key)}; allowed is a text")
    if any(isinstance(value, list) and len(value) > ENTRIES_AT_MOST for value in _inside(context)):
        return Failure(Code.INVALID_CONTEXT, f"context: a list is longer than {ENTRIES_AT_MOST} entries")
    return context if key else {name: value for name, value in context.items() if name != TARGETING_KEY}


def write_failure(failure: Failure, key: str | None = None) -> dict[str, Any]:
    """Return the body of a 400 or 404: of one flag with its key, of a bulk evaluation without."""
    named = {} if key is None else {"key": key}
    return {**named, "errorCode": failure.code.value, "errorDetails": failure.details}


def write_evaluation(evaluation: Evaluation) -> dict[str, Any]:
    """Return one flag of an answer.

    A context that lacks what the flag needs is a failure: the caller can mend it. A flag that is broken is a success
    with its off variant, for no caller can: its metadata name the error.
    """
    failure = failure_of(evaluation)
    if failure is not None:
        return write_failure(failure, evaluation.flag)
    # A variant without a value stands for the default that the caller's code has.
    value = {} if evaluation.value is None else {"value": evaluation.value}
    return {
        "key": evaluation.flag,
        **value,
        "reason": _REASONS.get(evaluation.reason, "UNKNOWN"),
        "variant": evaluation.variant,
        "metadata": _metadata(evaluation),
    }


def write_trouble() -> dict[str, Any]:
    """Return the body of a 500: the flags could not be read, and nothing of our insides is told."""
    return {"errorDetails": "the flags cannot be read at the moment; try again later"}


def failure_of(evaluation: Evaluation) -> Failure | None:
    """Return what the caller has to mend before this flag can be evaluated, or None."""
    if evaluation.error is not ErrorCode.TARGETING_KEY_MISSING:
        return None
    return Failure(Code.TARGETING_KEY_MISSING, evaluation.because or f"the context has no {TARGETING_KEY}")


def write_bulk(evaluations: Iterable[Evaluation], metadata: Mapping[str, str | bool | float]) -> tuple[bytes, str]:
    """Return the body of a bulk evaluation and its ETag.

    The tag is a digest of the answer itself. So it changes with the flags, with the context, and when a time that some
    flag waits for has come; and it stays where none of them changed what is served.
    """
    flags = [write_evaluation(evaluation) for evaluation in evaluations]
    served = json.dumps(flags, ensure_ascii=False, separators=(",", ":"))
    tag = f'"{hashlib.sha256(served.encode(errors="surrogatepass")).hexdigest()[:32]}"'
    body = f'{{"flags":{served},"metadata":{json.dumps(dict(metadata), ensure_ascii=False)}}}'
    return body.encode(), tag


def has_tag(if_none_match: str | None, tag: str) -> bool:
    """Whether a client that sends this `If-None-Match` has the answer with this tag already (RFC 9110, 13.1.2).

    Tags come back as they were given, as weak ones (proxies do that) or without their quotes (some clients do).
    """
    candidates = (each.strip().removeprefix("W/").strip('"') for each in (if_none_match or "").split(","))
    return any(each == "*" or each == tag.strip('"') for each in candidates if each)


def whole_seconds(seconds: float) -> str:
    """Return a `Retry-After`: at least one second, and never a date, which not every client can read."""
    return str(max(1, math.ceil(seconds)))


def _inside(context: Json) -> Iterator[Json]:
    """Yield every value of a context, however deep it lies; what was read nests by a few levels only."""
    left = [context]
    while left:
        value = left.pop()
        yield value
        if isinstance(value, dict):
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)


def _near(request: Iterable[str]) -> str:
    """Say which member was perhaps meant to be the context."""
    return next((f", found {name:.40}{hint}" for name in request if (hint := closest(name, ("context",)))), "")


_SAID_ALREADY: Final = frozenset({Reason.STATIC, Reason.TARGET, Reason.RULE, Reason.SPLIT, Reason.DEFAULT})
"""Reasons that the protocol's own, and the metadata beside it, say in full."""


def _metadata(evaluation: Evaluation) -> dict[str, Metadatum]:
    """Return what the flag's owner has told with it, and ours, which has the say where both use one name."""
    said: dict[str, Metadatum] = dict(evaluation.metadata)
    if evaluation.reason not in _SAID_ALREADY:
        said["slipwayReason"] = evaluation.reason.value
    if evaluation.reason is Reason.DEFAULT:
        said["fallthrough"] = True
    if evaluation.reason in (Reason.RULE, Reason.SPLIT) and evaluation.because:
        said["rule"] = evaluation.because
    if evaluation.reason is Reason.PREREQUISITE:
        said["prerequisite"] = evaluation.because
    if evaluation.error is not None:
        said |= {"errorCode": evaluation.error.value, "errorDetails": evaluation.because}
    return said
