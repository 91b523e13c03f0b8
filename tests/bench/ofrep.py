"""The functions that answer OpenFeature's clients: their bodies, without the host and the network around them."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import azure.functions as func

from shared import bootstrap
from shared.domain.flags.managing.commands import SaveFlag, Unread
from shared.domain.flags.model import Flag
from shared.domain.names import EnvironmentName, FlagKey
from shared.wire.published_flags import PublishedFlag, line_of_flag
from tests.bench.flags import checkout
from tests.bench.measurement import Measurement, summarize, timed

KEY = "a-key-for-evaluating-0123456789"
SETTINGS = {"SLIPWAY_FLAG_KEYS": f"production/bench={KEY}", "SLIPWAY_KEYS": "operator=nobody-asks-with-this-key"}
FLAGS = 200
ASKED, ASKED_ALL, STARTS = 5_000, 300, 15
CONTEXT = b'{"context": {"targetingKey": "user-17", "email": "ann@elsewhere.example", "country": "PT"}}'


def measure(folder: Path) -> Iterator[Measurement]:
    """Ask for one flag of many, for all of them, and once more with the tag; then ask workers that just began."""
    with flags_saved(folder):
        from functions import ofrep

        one, every = (each._function.get_user_function() for each in (ofrep.evaluate_flag, ofrep.evaluate_all_flags))
        took = timed((lambda number=number: one(_request(f"flag-{number % FLAGS}"))) for number in range(ASKED))
        yield summarize("OFREP: one flag, body of the function", took, note=f"of {FLAGS}; p99 {_p99(took):.3g} ms")
        took = timed((lambda: every(_request(None))) for _ in range(ASKED_ALL))
        yield summarize(f"OFREP: all {FLAGS} flags", took, note=f"p99 {_p99(took):.3g} ms")
        tag = every(_request(None)).headers["ETag"]
        took = timed((lambda: every(_request(None, tag))) for _ in range(ASKED_ALL))
        yield summarize(f"OFREP: all {FLAGS} flags, unchanged (304)", took, note=f"p99 {_p99(took):.3g} ms")
        first = [_first_answer(one) for _ in range(STARTS)]
        yield summarize(
            "OFREP: the first answer of a worker", first, rate=False, note=f"{FLAGS} flags read from SQLite"
        )


@contextmanager
def flags_saved(folder: Path) -> Iterator[str]:
    """Serve flags from a store in this folder, as the app of this process; yields how one of them is stored."""
    with patch.dict(os.environ, {**SETTINGS, "SLIPWAY_DATA": str(folder)}):
        bootstrap.app.cache_clear()
        for number in range(FLAGS):
            _save(checkout(f"flag-{number}"))
        yield line_of_flag(
            PublishedFlag(flag=checkout("flag-0"), revision=1, changed=datetime.now(UTC), changed_by="bench")
        )
        bootstrap.app.cache_clear()


def _first_answer(one: object) -> float:
    """Ask an app that was only just built; modules are imported by then."""
    bootstrap.app.cache_clear()
    began = time.perf_counter()
    answer = one(_request("flag-7"))  # type: ignore[operator]
    took = time.perf_counter() - began
    assert answer.status_code == 200
    return took


def _save(flag: Flag) -> None:
    command = SaveFlag(flag=flag, by="bench", why="", expected=Unread.UNSAID, id=flag.key)
    bootstrap.app().flag_changes.tell(EnvironmentName("production"), FlagKey(flag.key), command)


def _request(key: str | None, tag: str = "") -> func.HttpRequest:
    url = "http://localhost/ofrep/v1/evaluate/flags" + (f"/{key}" if key else "")
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"} | (
        {"If-None-Match": tag} if tag else {}
    )
    return func.HttpRequest(
        method="POST", url=url, headers=headers, route_params={"key": key} if key else {}, body=CONTEXT
    )


def _p99(seconds: list[float]) -> float:
    return 1000 * sorted(seconds)[int(0.99 * len(seconds))]
