"""What a person asks for, and what CI asks before it deploys."""

import re
from dataclasses import dataclass
from typing import Final

from shared.domain.names import Version
from shared.domain.rollout.commands import Action
from shared.wire.fields import Fields
from shared.wire.findings import closest, shown
from shared.wire.json_source import read_json

LONGEST_REASON: Final = 500
HIGHEST_STEP: Final = 1000
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideRequest:
    """A person's command."""

    action: Action
    reason: str = ""
    step: int | None = None
    """The step that the person saw, counted from 0 as in the API; None for whichever it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionRequest:
    """CI asks whether it may deploy now."""

    version: Version | None = None


def parse_override(body: bytes) -> OverrideRequest:
    """Return the command in `{"action", "reason"?, "step"?}`. Raises `InvalidError` naming each wrong field."""
    fields = Fields(read_json(body))
    fields.refuse_others(("action", "reason", "step"))
    request = OverrideRequest(action=_action(fields), reason=reason_in(fields), step=_step(fields))
    fields.done()
    return request


def parse_admission(body: bytes) -> AdmissionRequest:
    """Return the question in `{"version"?}`; an empty body asks too. Raises `InvalidError` naming each wrong field."""
    if not body.strip():
        return AdmissionRequest()
    fields = Fields(read_json(body))
    fields.refuse_others(("version",))
    version = fields.version(required=False)
    fields.done()
    return AdmissionRequest(version=version or None)


def _action(fields: Fields) -> Action:
    text = fields.text("action", longest=100)
    try:
        return Action(text)
    except ValueError:
        if text:
            near = closest(text, list(Action))
            fields.refuse("action", f"found {shown(text)}; allowed is {' or '.join(Action)}{near}")
        return Action.PAUSE


def reason_in(fields: Fields) -> str:
    """Return the member `reason`; empty where it is not there."""
    if fields.get("reason") == "":
        return ""
    reason = fields.text("reason", longest=LONGEST_REASON, required=False)
    if _CONTROL.search(reason):
        fields.refuse("reason", "allowed is a text without control characters")
    return reason


def _step(fields: Fields) -> int | None:
    step = fields.get("step")
    if step is None:
        return None
    if not isinstance(step, int) or isinstance(step, bool) or not 0 <= step <= HIGHEST_STEP:
        fields.refuse("step", f"found {shown(step)}; allowed is a whole number from 0 to {HIGHEST_STEP}")
        return None
    return step
