"""Records golden files of the stored forms of releases; `python -m tests.golden.record` calls it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.domain.names import ReleaseId
from shared.domain.releases.events import SILENT_IN_RELEASE
from shared.domain.releases.state import Release
from shared.wire import release_documents as documents
from shared.wire.alarms import Alarm
from shared.wire.release_documents import ReleaseAnswer, ReleaseEnvelope
from tests.unit.domain.releases.tale import NOON, Tale
from tests.unit.domain.releases.tales import TALES

FOLDER = Path(__file__).parent / "releases"


def life(tale: Tale) -> dict[str, Any]:
    """Return the state before and after, the history's lines, what the inbox kept, and the outbox's rows."""
    before = ReleaseEnvelope(release=Release(id=ReleaseId("autumn")))
    after = ReleaseEnvelope(release=tale.state, version=41, alarms=(Alarm("7", NOON),))
    recorded = [event for event in tale.events if not isinstance(event, SILENT_IN_RELEASE)]
    answer = ReleaseAnswer(release=tale.state.id, asked="db 2, web 2")
    return {
        "release-states": [json.loads(documents.write_release(each)) for each in (before, after)],
        "release-events": [json.loads(documents.write_release_event(each)) for each in recorded],
        "release-commands": [json.loads(documents.write_release_command(each)) for each in tale.accepted],
        "release-answers": [json.loads(documents.write_release_answer(answer))],
        "release-rows": [json.loads(documents.write_open_row(each)) for each in tale.opened],
    }


def record(schema: int) -> None:
    """Write the files that are not there yet."""
    for name, tell in TALES.items():
        path = FOLDER / f"schema-{schema}" / f"{name}.json"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_lines(life(tell())), encoding="utf-8")


def _lines(document: Mapping[str, Any]) -> str:
    """One stored document a line, so that a difference can be read."""
    fields = (
        f"{json.dumps(name)}: [\n" + ",\n".join(json.dumps(each, ensure_ascii=False) for each in value) + "\n]"
        for name, value in document.items()
    )
    return "{\n" + ",\n".join(fields) + "\n}\n"
