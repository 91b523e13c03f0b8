"""The routes under generated requests, for as long as there is time: an API of its own, round after round."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fuzz.oracle import Finding
from tests.fuzz.routes import check_odd_requests, operation_check, operations

_EXAMPLES_A_ROUND = 20
_ODD_A_ROUND = 200
_MOST_DETAIL = 4000


@contextmanager
def _api() -> Iterator[object]:
    from tests.functions.api_client import running_api

    with tempfile.TemporaryDirectory(prefix="slipway-fuzz-") as folder, running_api(Path(folder), driven=True) as api:
        for name in ("shop", "frozen", "busy"):
            api.register(name)
        api.override("freeze", "frozen")
        api.deploy("2", "busy")
        yield api


def run_operations(seconds: float, first: int) -> tuple[int, list[Finding]]:
    """Hold the answers to schemathesis' requests against the OpenAPI document; every operation has its turn."""
    found: dict[str, Finding] = {}
    examples, number, ends = 0, first, time.monotonic() + seconds
    with _api() as api:
        while time.monotonic() < ends:
            for method, path in sorted(operations()):
                counted = [0]
                check = operation_check(method, path, _EXAMPLES_A_ROUND, number, counted)
                _note(found, f"{method} {path}", lambda check=check: check(api=api))
                examples += counted[0]
                if time.monotonic() > ends and number > first:
                    break
            number += 1
    return examples, list(found.values())


def run_odd(seconds: float, first: int) -> tuple[int, list[Finding]]:
    """Send requests that no client library would send: none is answered by a 5xx."""
    found: dict[str, Finding] = {}
    rounds, ends = 0, time.monotonic() + seconds
    with _api() as api:
        while time.monotonic() < ends:
            number = first + rounds
            _note(found, "odd request", lambda number=number: check_odd_requests(api, _ODD_A_ROUND, number))
            rounds += 1
    return rounds * _ODD_A_ROUND, list(found.values())


def _note(found: dict[str, Finding], what: str, check: Callable[[], None]) -> None:
    try:
        check()
    # Whatever a check raises is what it found; schemathesis raises several failures as a group that is no Exception.
    except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001
        detail = f"{error}"[:_MOST_DETAIL]
        found.setdefault(what, Finding("routes", detail.encode(), f"{what}: {type(error).__name__}", detail))
