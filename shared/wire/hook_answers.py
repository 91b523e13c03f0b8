"""What the other side says of a hook's call: at once, when it is asked, or when it calls back."""

import re
from typing import Any, Final

from shared.domain.errors import InvalidError
from shared.domain.rollout.hooks import HookState, HookStatus
from shared.wire.fields import Fields
from shared.wire.findings import closest, shown
from shared.wire.json_source import read_json

LONGEST_DETAIL: Final = 1000
LONGEST_PROGRESS: Final = 200
MOST_BYTES: Final = 64 * 1024
_SAID: Final = (HookState.SUCCEEDED, HookState.FAILED, HookState.RUNNING)
_CALL_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_BREAKS: Final = re.compile("[\x00-\x20\x7f\x85\u2028\u2029]+")


def call_in(text: str) -> str | None:
    """Return the id of a hook's call that a part of an address names, or None when it can be none."""
    return text if _CALL_ID.fullmatch(text) else None


def parse_hook_answer(body: bytes) -> HookStatus:
    """Return what is called back: `{"status": "succeeded" | "failed" | "running", "detail"?, "progress"?}`.

    Raises `InvalidError` naming each wrong field.
    """
    fields = Fields(read_json(body, at_most=MOST_BYTES))
    fields.refuse_others(("status", "detail", "progress"))
    state = _state(fields)
    detail = fields.text("detail", longest=LONGEST_DETAIL, required=False) if fields.get("detail") else ""
    progress = fields.text("progress", longest=LONGEST_PROGRESS, required=False) if fields.get("progress") else ""
    fields.done()
    return HookStatus(state, one_line(detail, LONGEST_DETAIL), one_line(progress, LONGEST_PROGRESS))


def parse_hook_reply(body: bytes) -> HookStatus:
    """Return what a webhook answers: as `parse_hook_answer`, beside members of its own, with long texts cut.

    Raises `InvalidError` when it says no status.
    """
    document = read_json(body, at_most=MOST_BYTES)
    fields = Fields(document)
    state = _state(fields)
    fields.done()
    return HookStatus(
        state,
        one_line(fields.get("detail"), LONGEST_DETAIL),
        one_line(fields.get("progress"), LONGEST_PROGRESS),
    )


def says_nothing(body: bytes) -> bool:
    """Whether a body is empty, so that only the status of the answer counts."""
    return not body.strip()


def words_of(body: bytes) -> str:
    """Return what a refusal says: `detail`, `message`, `error` or `title` of its JSON, or its first line of text."""
    try:
        document: Any = read_json(body, at_most=MOST_BYTES)
    except InvalidError:
        return _first_line(body)
    if not isinstance(document, dict):
        return _first_line(body)
    said = (document.get(name) for name in ("detail", "message", "error", "title"))
    return one_line(next((text for text in said if isinstance(text, str) and text), ""), LONGEST_DETAIL)


def one_line(text: object, longest: int) -> str:
    """Return a text without line breaks and control characters, cut to its `longest`; nothing for what is no text."""
    if not isinstance(text, str):
        return ""
    line = _BREAKS.sub(" ", text).strip()
    return line if len(line) <= longest else f"{line[: longest - 3]}..."


def _first_line(body: bytes) -> str:
    text = body.decode("utf-8", errors="replace").strip()
    return "" if text.startswith("<") else one_line(text.partition("\n")[0], 200)


def _state(fields: Fields) -> HookState:
    text = fields.text("status", longest=100)
    if text and text not in _SAID:
        near = closest(text, _SAID)
        fields.refuse("status", f"found {shown(text)}; allowed is {' or '.join(_SAID)}{near}")
    return HookState(text) if text in _SAID else HookState.UNKNOWN
