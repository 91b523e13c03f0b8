"""Records golden files of the stored forms: `python -m tests.golden.record`.

A golden file is what a release wrote, and every later release must read it: one that exists is never written again.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.domain.names import CommandId, RolloutId, Version
from shared.domain.rollout.commands import Action, Alert, Deploy, HookReport, Override
from shared.domain.rollout.effects import Effect
from shared.domain.rollout.hooks import HookState, HookStatus
from shared.domain.rollout.membership import END
from shared.domain.rollout.state import Application
from shared.wire.documents import (
    Alarm,
    Envelope,
    write_accepted,
    write_effect,
    write_envelope,
    write_event,
    write_rollout,
)
from shared.wire.stored_form import SCHEMA
from tests.golden import record_flags, record_releases, record_rows
from tests.unit.domain.members import DEPLOY, TELL, steer
from tests.unit.domain.specs import NOON, SHOP
from tests.unit.domain.states import Story
from tests.unit.domain.tales import TAKE_BACK, TALES

FOLDER = Path(__file__).parent
ALARMS = (Alarm(fence="7", at=NOON), Alarm(fence="8", at=NOON))


def recorded(story: Story) -> dict[str, Any]:
    """Return the state before, every event in order, the state after, and the rollouts that were archived."""
    return {
        "before": _json(write_envelope(Envelope(application=Application(name=SHOP)))),
        "events": [_json(write_event(event)) for event in story.events],
        "after": _json(write_envelope(Envelope(application=story.state, version=41, alarms=ALARMS))),
        "archived": [_json(write_rollout(rollout)) for rollout in story.archived],
        "effects": [_json(write_effect(effect)) for effect in _distinct(row.effect for row in story.opened)],
    }


def accepted() -> dict[str, Any]:
    """Return one of each fact that an inbox keeps."""
    return {
        "accepted": [
            _json(write_accepted(command))
            for command in (
                Deploy(id=CommandId("event-1"), rollout=RolloutId("shop-1"), version=Version("2"), source="ci"),
                Override(
                    id=CommandId("override-1"),
                    action=Action.APPROVE,
                    reason="looks good — ship it",
                    by="alice",
                    rollout=RolloutId("shop-2"),
                    step=1,
                ),
                Alert(
                    id=CommandId("alert-1"),
                    fired=True,
                    rule="errors-high",
                    severity="Sev1",
                    resource="/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/shop",
                    description="more than 5 %",
                    at=NOON,
                ),
            )
        ]
    }


def called_back() -> dict[str, Any]:
    """Return what a hook's other side calls back."""
    status = HookStatus(HookState.SUCCEEDED, "12 rows", "12 of 12")
    report = HookReport(id=CommandId("report-1"), call_id="shop-1.0.expand", status=status)
    return {"accepted": [_json(write_accepted(report))]}


def steered() -> dict[str, Any]:
    """Return what a release of several applications asks of its member."""
    return {
        "accepted": [_json(write_accepted(command)) for command in (DEPLOY, steer(END), steer(back="web goes back"))]
    }


def told() -> dict[str, Any]:
    """Return what a release has its member tell people."""
    return {"accepted": [_json(write_accepted(TELL))]}


def taken() -> dict[str, Any]:
    """Return how a rollout hears that what it drives was taken from it."""
    return {"accepted": [_json(write_accepted(TAKE_BACK))]}


def _json(text: str) -> Any:
    return json.loads(text)


def _distinct(effects: Any) -> list[Effect]:
    return list(dict.fromkeys(effects))


def _keep(name: str, document: Mapping[str, Any]) -> None:
    path = FOLDER / f"schema-{SCHEMA}" / f"{name}.json"
    if path.exists():
        return
    path.parent.mkdir(exist_ok=True)
    lines = ",\n".join(f"{json.dumps(key)}: {_lines(value)}" for key, value in document.items())
    path.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


def _lines(value: Any) -> str:
    """One stored document a line, so that a difference can be read."""
    if not isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return "[\n" + ",\n".join(json.dumps(each, ensure_ascii=False) for each in value) + "\n]"


if __name__ == "__main__":
    for tale, tell in TALES.items():
        _keep(tale, recorded(tell()))
    _keep("accepted-facts", accepted())
    _keep("accepted-reports", called_back())
    _keep("accepted-steering", steered())
    record_flags.record(SCHEMA)
    record_releases.record(SCHEMA)
    record_rows.record(SCHEMA)
    _keep("accepted-tidings", told())
    _keep("accepted-taking-back", taken())
