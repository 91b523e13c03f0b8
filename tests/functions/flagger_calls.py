"""Calls as Flagger makes them, and applications that stand in every situation, for one API to be asked about."""

import re
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.rollout_store import SqliteRolloutStore
from shared.domain.names import ApplicationName, application_key
from shared.domain.rollout.flagger import Kind
from shared.ports.rollout_store import Change
from shared.wire.documents import Envelope, write_envelope
from tests.functions.api_client import FLAGGER_KEY, Answer, Api
from tests.unit.domain import states
from tests.unit.domain.situations import SITUATIONS, situation

REGISTERED = tuple(name for name in SITUATIONS if name != "not registered")


def slug(name: str) -> str:
    """The application that stands in a situation."""
    return re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")


def plant_situations(folder: Path) -> None:
    """Keep an application in each situation in the embedded store of a folder, as of now."""
    store = SqliteRolloutStore(Database(folder / "store.db"))
    with _beginning_now():
        for name in REGISTERED:
            state = replace(situation(name).state, name=ApplicationName(slug(name)))
            document = write_envelope(Envelope(application=state))
            store.commit(Change(key=application_key(state.name), etag=None, document=document))


def payload(version: str = "2", *, phase: str = "Progressing", **metadata: str) -> dict[str, Any]:
    """What Flagger sends for a Canary that names its version and brings the clusters' key."""
    return {
        "name": "podinfo",
        "namespace": "test",
        "phase": phase,
        "checksum": "85d557f47b",
        "metadata": {"token": FLAGGER_KEY, "version": version, **metadata},
    }


def call(api: Api, application: str, kind: Kind | str, version: str = "2", **more: str) -> Answer:
    """Ask as Flagger does, with nothing but a body."""
    return api.ask("POST", f"/api/flagger/{application}/{kind}", payload(version, **more), key=None)


def is_yes(status: int) -> bool:
    """How Flagger reads a status."""
    return status <= 202


@contextmanager
def _beginning_now():
    """Let stories begin now: an API lives in the present, and does not believe what was last looked at long ago."""
    with patch.object(states, "NOON", datetime.now(UTC).replace(second=0, microsecond=0)):
        yield
