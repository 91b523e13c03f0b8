"""Requests to release several applications as one, and a person's commands to such a release."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from shared.domain.errors import InvalidError, Problem
from shared.domain.names import ApplicationName, ReleaseId, Version
from shared.domain.releases.commands import ReleaseAction
from shared.domain.releases.state import MEMBERS_AT_MOST
from shared.wire.durations import parse_duration
from shared.wire.fields import SLUG, Fields
from shared.wire.findings import closest, shown
from shared.wire.identities import requested_identity
from shared.wire.json_source import read_json
from shared.wire.overrides import reason_in

DEADLINE: Final = timedelta(hours=1)
SHORTEST_DEADLINE: Final = timedelta(minutes=15)
"""Members are asked three times in it, and an answer whose wake-up was lost waits five minutes for the sweep."""
LONGEST_DEADLINE: Final = timedelta(days=7)
LONGEST_NAME: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRequest:
    """Somebody asks for versions to be released together."""

    id: ReleaseId
    name: str
    members: tuple[tuple[ApplicationName, Version], ...]
    deadline: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseOverrideRequest:
    """A person's command to a release."""

    action: ReleaseAction
    reason: str


def parse_release(headers: Mapping[str, str], body: bytes, *, new_id: Callable[[], str]) -> ReleaseRequest:
    """Return what `{"id"?, "name"?, "members": [{"application", "version"}], "deadline"?}` asks for.

    A request is known by its `id`. Without one, it is made of the `Idempotency-Key` header, or else of
    `new_id`. Raises `InvalidError` naming each field that is wrong.
    """
    fields = Fields(read_json(body))
    fields.refuse_others(("id", "name", "members", "deadline"))
    named = _id(fields)
    name = fields.text("name", longest=LONGEST_NAME, required=False)
    deadline = _deadline(fields)
    members = _members(fields)
    fields.done()
    made = requested_identity("release", ApplicationName(""), headers, new_id)
    return ReleaseRequest(id=ReleaseId(named or made[:12]), name=name, members=members, deadline=deadline)


def parse_release_override(action: str, body: bytes) -> ReleaseOverrideRequest:
    """Return the command that an address names, with the reason in `{"reason"?}`. An empty body gives none.

    Raises `InvalidError` naming each wrong field.
    """
    try:
        wanted = ReleaseAction(action)
    except ValueError:
        near = closest(action, list(ReleaseAction))
        message = f"found {shown(action)}; allowed is {' or '.join(ReleaseAction)}{near}"
        raise InvalidError(Problem("action", message)) from None
    if not body.strip():
        return ReleaseOverrideRequest(action=wanted, reason="")
    fields = Fields(read_json(body))
    fields.refuse_others(("reason",))
    reason = reason_in(fields)
    fields.done()
    return ReleaseOverrideRequest(action=wanted, reason=reason)


def _id(fields: Fields) -> str:
    text = fields.text("id", longest=63, required=False)
    if text and not SLUG.fullmatch(text):
        allowed = "lower-case letters, digits and inner hyphens, at most 63 characters"
        fields.refuse("id", f"found {shown(text)}; allowed are {allowed}")
    return text


def _deadline(fields: Fields) -> timedelta:
    value = fields.get("deadline")
    if value is None:
        return DEADLINE
    try:
        span = parse_duration(value) if isinstance(value, str) else None
    except ValueError:
        span = None
    if span is None or not SHORTEST_DEADLINE <= span <= LONGEST_DEADLINE:
        fields.refuse("deadline", f"found {shown(value)}; allowed is a time such as 45m or 2h, from 15m to 7d")
        return DEADLINE
    return span


def _members(fields: Fields) -> tuple[tuple[ApplicationName, Version], ...]:
    value = fields.get("members")
    if not isinstance(value, list) or not 2 <= len(value) <= MEMBERS_AT_MOST:
        found = f"a list of {len(value)}" if isinstance(value, list) else shown(value)
        allowed = f'a list of 2 to {MEMBERS_AT_MOST} objects {{"application", "version"}}'
        fields.refuse("members", f"found {found}; allowed is {allowed}")
        return ()
    members: list[tuple[ApplicationName, Version]] = []
    for index, each in enumerate(value):
        members += _member(fields, index, each, {name for name, _ in members})
    return tuple(members)


def _member(
    fields: Fields, index: int, value: Any, before: set[ApplicationName]
) -> list[tuple[ApplicationName, Version]]:
    try:
        member = Fields(value)
        member.refuse_others(("application", "version"))
        application, version = member.application(), member.version()
        member.done()
    except InvalidError as error:
        for problem in error.problems:
            fields.refuse(f"members[{index}]{f'.{problem.path}' if problem.path else ''}", problem.message)
        return []
    if application in before:
        fields.refuse(f"members[{index}].application", f"{application} is named twice: it can bring one version only")
    return [(application, version)]
