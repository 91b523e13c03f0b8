"""What people ask of flags and segments: the address, the headers, the query and the body of a request."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from shared.domain.errors import InvalidError, Problem
from shared.domain.flags.managing.commands import NEW, Expected, Unread
from shared.domain.flags.model import Flag, Json, Segment
from shared.domain.names import FlagKey, SegmentKey
from shared.wire.fields import Fields
from shared.wire.findings import closest, shown
from shared.wire.flags.document import LONGEST_DOCUMENT, parse_flag, read_flag
from shared.wire.flags.members import FLAG_KEY, LONGEST_KEY, SEGMENT_KEY
from shared.wire.flags.segment_document import parse_segment
from shared.wire.identities import header_of
from shared.wire.json_source import read_json
from shared.wire.overrides import LONGEST_REASON, reason_in
from shared.wire.source import Source
from shared.wire.timestamps import parse_time

CONTEXTS_AT_MOST: Final = 1000
LONGEST_ID: Final = 64
HIGHEST_REVISION: Final = 10**9
_ETAG: Final = re.compile(r'(?:W/)?"([0-9]{1,10})"')
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f]")


class FlagAction(StrEnum):
    """What a person can do to a flag, beside saving and archiving it."""

    KILL = "kill"
    REVIVE = "revive"
    APPROVE = "approve"
    REJECT = "reject"
    SCHEDULE = "schedule"
    CANCEL = "cancel"
    RESTORE = "restore"
    DISTRIBUTE = "distribute"


_TAKES: Final[dict[FlagAction, tuple[str, ...]]] = {
    FlagAction.KILL: (),
    FlagAction.REVIVE: (),
    FlagAction.APPROVE: ("proposal",),
    FlagAction.REJECT: ("proposal",),
    FlagAction.SCHEDULE: ("at", "flag"),
    FlagAction.CANCEL: ("change",),
    FlagAction.RESTORE: ("revision",),
    FlagAction.DISTRIBUTE: (),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagActionRequest:
    """A person's command; of its members only those that the action takes mean something."""

    action: FlagAction
    reason: str = ""
    proposal: str = ""
    change: str = ""
    revision: int = 0
    at: datetime | None = None
    flag: Flag | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """A flag that is not saved, and contexts to see who would get something else."""

    flag: Flag
    contexts: tuple[Mapping[str, Json], ...]


def flag_key_in(text: str) -> FlagKey | None:
    """Return the flag that an address names, or None when no flag can have this key. A slash may be written `%2F`."""
    key = text.replace("%2F", "/").replace("%2f", "/")
    return FlagKey(key) if len(key) <= LONGEST_KEY and FLAG_KEY.fullmatch(key) else None


def segment_key_in(text: str) -> SegmentKey | None:
    """Return the segment that an address names, or None when no segment can have this key."""
    return SegmentKey(text) if len(text) <= LONGEST_KEY and SEGMENT_KEY.fullmatch(text) else None


def key_allowed(*, slashes: bool) -> str:
    """Return what the keys of flags (with slashes), or those of segments, may be."""
    divided = "; a slash may divide names" if slashes else ""
    return (
        f"allowed are up to {LONGEST_KEY} letters, digits, dots, hyphens and underscores, "
        f"beginning with a letter, a digit or an underscore{divided}"
    )


def as_sent(headers: Mapping[str, str], body: bytes) -> bytes:
    """Return the body. Raises `InvalidError` where it is encoded: flags are not taken compressed."""
    encoding = (header_of(headers, "content-encoding") or "identity").strip().lower()
    if encoding != "identity":
        raise InvalidError(
            Problem("Content-Encoding", f"found {shown(encoding)}; it is not taken here: send the body as it is")
        )
    return body


def etag_of(revision: int) -> str:
    """Return the `ETag` of a revision."""
    return f'"{revision}"'


def expected_in(headers: Mapping[str, str], unsaid: Unread = Unread.UNSAID) -> Expected:
    """Return what a request says that it read: `If-Match: "7"`, `If-Match: *` or `If-None-Match: *`.

    Raises `InvalidError` for anything else, and for both at once.
    """
    match, none = header_of(headers, "if-match"), header_of(headers, "if-none-match")
    if match is not None and none is not None:
        raise InvalidError(Problem("If-Match", "stands beside If-None-Match; allowed is one of them"))
    if none is not None:
        if none.strip() != "*":
            raise InvalidError(Problem("If-None-Match", "allowed is * alone: only where it is not there yet"))
        return NEW
    if match is None:
        return unsaid
    if match.strip() == "*":
        return Unread.ANY
    found = _ETAG.fullmatch(match.strip())
    if found is None:
        raise InvalidError(Problem("If-Match", 'allowed is the ETag of an answer, such as "7", or *'))
    return int(found[1])


def reason_of(params: Mapping[str, str]) -> str:
    """Return the query parameter `reason`. Raises `InvalidError` for one that is too long."""
    reason = params.get("reason", "")
    if len(reason) > LONGEST_REASON or _CONTROL.search(reason):
        allowed = f"allowed is a text of at most {LONGEST_REASON} characters, without control characters"
        raise InvalidError(Problem("reason", allowed))
    return reason


def flag_of(body: bytes, content_type: str | None, key: FlagKey) -> Flag:
    """Return the flag in a body. Raises `InvalidError` when its key is not that of the address."""
    flag = parse_flag(body, content_type)
    _check_key(flag.key, key)
    return flag


def segment_of(body: bytes, content_type: str | None, key: SegmentKey) -> Segment:
    """Return the segment in a body. Raises `InvalidError` when its key is not that of the address."""
    segment = parse_segment(body, content_type)
    _check_key(segment.key, key)
    return segment


def dry_run_in(body: bytes, key: FlagKey) -> DryRun:
    """Return what `{"flag", "contexts"?}` asks. Raises `InvalidError` naming each wrong field."""
    fields = Fields(read_json(body, at_most=LONGEST_DOCUMENT))
    fields.refuse_others(("flag", "contexts"))
    contexts = _contexts(fields)
    flag = _flag(fields, key)
    fields.done()
    assert flag is not None
    return DryRun(flag=flag, contexts=contexts)


def parse_flag_action(body: bytes, key: FlagKey) -> FlagActionRequest:
    """Return the command in `{"action", "reason"?, ...}`. Raises `InvalidError` naming each wrong field."""
    fields = Fields(read_json(body, at_most=LONGEST_DOCUMENT))
    action = _action(fields)
    if action is None:
        fields.done()
    assert action is not None
    takes = _TAKES[action]
    fields.refuse_others(("action", "reason", *takes))
    request = FlagActionRequest(
        action=action,
        reason=reason_in(fields),
        proposal=fields.text("proposal", longest=LONGEST_ID) if "proposal" in takes else "",
        change=fields.text("change", longest=LONGEST_ID) if "change" in takes else "",
        revision=_revision(fields) if "revision" in takes else 0,
        at=_at(fields) if "at" in takes else None,
        flag=_flag(fields, key) if "flag" in takes else None,
    )
    fields.done()
    return request


def context_in(params: Mapping[str, str]) -> Mapping[str, Json]:
    """Return the query parameter `context`, a JSON object; an empty one where there is none."""
    text = params.get("context")
    if text is None:
        return {}
    try:
        value = read_json(text.encode(errors="replace"))
    except InvalidError as error:
        raise InvalidError(*(Problem("context", problem.message) for problem in error.problems)) from error
    if not isinstance(value, dict):
        raise InvalidError(Problem("context", f"found {shown(value)}; allowed is a JSON object"))
    return value


def is_set(params: Mapping[str, str], name: str) -> bool:
    """Return a query parameter that is `true` or `false`; false where it is not there."""
    text = params.get(name, "false")
    if text not in ("true", "false"):
        raise InvalidError(Problem(name, f"found {shown(text)}; allowed is true or false"))
    return text == "true"


def revision_in(params: Mapping[str, str]) -> int | None:
    """Return the query parameter `revision`, or None."""
    text = params.get("revision")
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:12]) <= HIGHEST_REVISION:
        raise InvalidError(Problem("revision", f"found {shown(text)}; allowed is a whole number from 1"))
    return int(text)


def _action(fields: Fields) -> FlagAction | None:
    text = fields.text("action", longest=100)
    try:
        return FlagAction(text)
    except ValueError:
        if text:
            near = closest(text, list(FlagAction))
            fields.refuse("action", f"found {shown(text)}; allowed is {' or '.join(FlagAction)}{near}")
        return None


def _revision(fields: Fields) -> int:
    value = fields.get("revision")
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= HIGHEST_REVISION:
        fields.refuse("revision", f"found {shown(value)}; allowed is a whole number from 1")
        return 0
    return value


def _at(fields: Fields) -> datetime | None:
    text = fields.text("at", longest=60)
    if not text:
        return None
    try:
        return parse_time(text)
    except ValueError as error:
        fields.refuse("at", f"found {shown(text)}; {error}")
        return None


def _flag(fields: Fields, key: FlagKey) -> Flag | None:
    value: Any = fields.get("flag")
    if value is None:
        fields.refuse("flag", "is missing")
        return None
    try:
        flag = read_flag(Source(value))
        _check_key(flag.key, key)
    except InvalidError as error:
        for problem in error.problems:
            fields.refuse(f"flag{f'.{problem.path}' if problem.path else ''}", problem.message)
        return None
    return flag


def _contexts(fields: Fields) -> tuple[Mapping[str, Json], ...]:
    value = fields.get("contexts")
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > CONTEXTS_AT_MOST:
        found = f"a list of {len(value)}" if isinstance(value, list) else shown(value)
        fields.refuse("contexts", f"found {found}; allowed is a list of at most {CONTEXTS_AT_MOST} objects")
        return ()
    for index, context in enumerate(value):
        if not isinstance(context, dict):
            fields.refuse(f"contexts[{index}]", f"found {shown(context)}; allowed is a JSON object")
            return ()
    return tuple(value)


def _check_key(key: str, named: str) -> None:
    if key != named:
        raise InvalidError(Problem("key", f"the document is of {key}, the address says {named}: they must agree"))
