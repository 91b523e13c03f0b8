"""JSON over HTTP to the local stack, as anybody with curl would talk to it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.request import OpenerDirector, ProxyHandler, Request, build_opener

TIMEOUT_SECONDS = 30.0


class NoAnswerError(Exception):
    """Nothing that could be read came back; the message says from where and why."""


@dataclass(frozen=True, slots=True)
class JsonAnswer:
    """A status and a JSON body; None where there was no body."""

    status: int
    body: Any


def exchange(
    method: str, url: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> JsonAnswer:
    """Make one call, whatever its status. Raises `NoAnswerError`."""
    request = Request(url, data=body, headers=dict(headers or {}), method=method)
    try:
        try:
            with _direct().open(request, timeout=TIMEOUT_SECONDS) as answer:
                return JsonAnswer(answer.status, _read(answer))
        except HTTPError as refused:
            with refused:
                return JsonAnswer(refused.code, _read(refused))
    except (URLError, OSError, RecursionError, ValueError) as error:
        raise NoAnswerError(f"{method} {url.partition('?')[0]}: {error}") from error


def _read(answer: IO[bytes]) -> Any:
    body = answer.read()
    return json.loads(body) if body else None


def _direct() -> OpenerDirector:
    """Return an opener that goes round the proxy that the environment may name: the stack is on this machine."""
    return build_opener(ProxyHandler({}))
