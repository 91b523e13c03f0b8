"""What people are answered who manage feature flags and segments."""

from typing import Final, assert_never

import azure.functions as func

from functions.answers import Reply, after_in, new_id
from functions.flag_management import ENVIRONMENT
from shared.bootstrap import app
from shared.domain.errors import InvalidError, Problem
from shared.domain.flags.managing.changing import is_proposed
from shared.domain.flags.managing.commands import (
    Approve,
    Archive,
    AtTheDoor,
    CancelScheduled,
    Distribute,
    Kill,
    Reject,
    Revive,
    SaveFlag,
    ScheduleChange,
    Unread,
)
from shared.domain.flags.managing.refusals import UnknownFlagError
from shared.domain.flags.managing.state import FlagState
from shared.domain.flags.problems import EXPLAIN
from shared.domain.names import ApplicationName, EnvironmentName, FlagKey, SegmentKey
from shared.wire.findings import shown
from shared.wire.flag_requests import (
    FlagAction,
    FlagActionRequest,
    as_sent,
    context_in,
    dry_run_in,
    etag_of,
    expected_in,
    flag_key_in,
    flag_of,
    is_set,
    key_allowed,
    parse_flag_action,
    reason_of,
    revision_in,
    segment_key_in,
    segment_of,
)
from shared.wire.flag_views import flag_view
from shared.wire.flags.document import LONGEST_DOCUMENT
from shared.wire.identities import requested_identity

AT_MOST: Final = LONGEST_DOCUMENT
"""So many bytes a document may have."""


def list_flags(req: func.HttpRequest, _caller: str) -> Reply:
    """A page of the flags that are served."""
    view = app().flag_views.list_flags(
        _environment(req),
        after=req.params.get("after") or None,
        tag=req.params.get("tag") or None,
        stale=is_set(req.params, "stale"),
    )
    return Reply(200, view)


def get_flag(req: func.HttpRequest, caller: str) -> Reply:
    """A flag, one of its revisions, or why it serves what."""
    if asks_why(req):
        return explain_flag(req, caller)
    environment, key, revision = _environment(req), _flag_key(req), revision_in(req.params)
    if revision is not None:
        return Reply(200, app().flag_views.flag_revision(environment, key, revision), etag=etag_of(revision))
    return _shown(environment, app().flag_changes.state(environment, key))


def put_flag(req: func.HttpRequest, caller: str) -> Reply:
    """A flag saved or proposed, or whom it would move."""
    environment, key, expected = _environment(req), _flag_key(req), expected_in(req.headers)
    if is_set(req.params, "dry-run"):
        asked = dry_run_in(as_sent(req.headers, req.get_body()), key)
        return Reply(200, app().flag_views.dry_run(environment, asked.flag, asked.contexts))
    flag = flag_of(as_sent(req.headers, req.get_body()), req.headers.get("content-type"), key)
    command = SaveFlag(flag=flag, by=caller, why=reason_of(req.params), expected=expected, id=_short_id())
    is_new = not app().flag_changes.is_there(environment, key)
    return _told(environment, key, command, is_new=is_new)


def archive_flag(req: func.HttpRequest, caller: str) -> Reply:
    """A flag archived."""
    environment, key = _environment(req), _flag_key(req)
    expected = expected_in(req.headers, Unread.ANY)
    command = Archive(by=caller, why=reason_of(req.params), expected=expected, id=_short_id())
    return _told(environment, key, command)


def steer_flag(req: func.HttpRequest, caller: str) -> Reply:
    """What a person asked of a flag."""
    environment, key = _environment(req), _flag_key(req)
    request = parse_flag_action(as_sent(req.headers, req.get_body()), key)
    expected_in(req.headers)
    _identity(req, key)
    if request.action is not FlagAction.RESTORE:
        return _told(environment, key, _command(req, request, key, caller))
    is_there = app().flag_changes.is_there(environment, key)
    command = app().flag_changes.restoring(
        environment,
        key,
        request.revision,
        by=caller,
        why=request.reason,
        expected=expected_in(req.headers, Unread.ANY if is_there else Unread.UNSAID),
        change_id=_short_id(),
    )
    return _told(environment, key, command)


def _command(req: func.HttpRequest, request: FlagActionRequest, key: FlagKey, by: str) -> AtTheDoor:
    why = request.reason
    match request.action:
        case FlagAction.KILL:
            return Kill(by=by, why=why)
        case FlagAction.REVIVE:
            return Revive(by=by, why=why)
        case FlagAction.APPROVE:
            return Approve(proposal=request.proposal, by=by)
        case FlagAction.REJECT:
            return Reject(proposal=request.proposal, by=by, why=why)
        case FlagAction.CANCEL:
            return CancelScheduled(id=request.change, by=by, why=why)
        case FlagAction.SCHEDULE:
            assert request.flag is not None
            assert request.at is not None
            identity = _identity(req, key)
            expected = expected_in(req.headers, Unread.ANY)
            return ScheduleChange(flag=request.flag, by=by, why=why, at=request.at, expected=expected, id=identity[:12])
        case FlagAction.DISTRIBUTE:
            return Distribute()
        case FlagAction.RESTORE:
            raise AssertionError("is no command of its own")
        case _:
            assert_never(request.action)


def _identity(req: func.HttpRequest, key: FlagKey) -> str:
    """Return by what a scheduled change is known. A header that makes no sense is wrong for the other actions too."""
    return requested_identity("schedule a flag", ApplicationName(key), req.headers, new_id)


def _told(environment: EnvironmentName, key: FlagKey, command: AtTheDoor, *, is_new: bool = False) -> Reply:
    state = app().flag_changes.tell(environment, key, command)
    proposed = isinstance(command, SaveFlag | Archive | ScheduleChange) and is_proposed(state, command)
    return _shown(environment, state, proposed=proposed, is_new=is_new)


def _shown(environment: EnvironmentName, state: FlagState, *, proposed: bool = False, is_new: bool = False) -> Reply:
    """Return the flag: 202 where what this request asked for waits for approval."""
    status = 202 if proposed else 201 if is_new else 200
    location = f"/api/flags/{state.key}?environment={environment}"
    return Reply(
        status,
        flag_view(environment, state, proposed=proposed),
        location if status > 200 else None,
        etag=etag_of(state.revision),
    )


def get_flag_history(req: func.HttpRequest, _caller: str) -> Reply:
    """A page of a flag's history."""
    return Reply(200, app().flag_views.flag_history(_environment(req), _flag_key(req), after_in(req)))


def explain_flag(req: func.HttpRequest, _caller: str) -> Reply:
    """What a context gets of a flag, and why."""
    key = _key_in((req.route_params.get("key") or "").removesuffix(EXPLAIN))
    return Reply(200, app().flag_views.explanation(_environment(req), key, context_in(req.params)))


def list_segments(req: func.HttpRequest, _caller: str) -> Reply:
    """A page of the segments."""
    return Reply(200, app().flag_views.list_segments(_environment(req), after=req.params.get("after") or None))


def get_segment(req: func.HttpRequest, _caller: str) -> Reply:
    """A segment, or one of its revisions."""
    environment, key, revision = _environment(req), _segment_key(req), revision_in(req.params)
    if revision is not None:
        return Reply(200, app().flag_views.segment_revision(environment, key, revision), etag=etag_of(revision))
    return _shown_segment(environment, key, 200)


def put_segment(req: func.HttpRequest, caller: str) -> Reply:
    """A segment saved."""
    environment, key, expected = _environment(req), _segment_key(req), expected_in(req.headers)
    segment = segment_of(as_sent(req.headers, req.get_body()), req.headers.get("content-type"), key)
    is_new = not app().segments.is_there(environment, key)
    app().segments.save(environment, segment, by=caller, why=reason_of(req.params), expected=expected)
    return _shown_segment(environment, key, 201 if is_new else 200)


def delete_segment(req: func.HttpRequest, caller: str) -> Reply:
    """A segment deleted."""
    environment, key = _environment(req), _segment_key(req)
    expected = expected_in(req.headers, Unread.ANY)
    state = app().segments.delete(environment, key, by=caller, why=reason_of(req.params), expected=expected)
    return Reply(200, {"key": key, "environment": environment, "revision": state.revision})


def get_segment_history(req: func.HttpRequest, _caller: str) -> Reply:
    """A page of a segment's history."""
    return Reply(200, app().flag_views.segment_history(_environment(req), _segment_key(req), after_in(req)))


def _shown_segment(environment: EnvironmentName, key: SegmentKey, status: int) -> Reply:
    view, revision = app().flag_views.segment(environment, key)
    location = f"/api/segments/{key}?environment={environment}"
    return Reply(status, view, location if status > 200 else None, etag=etag_of(revision))


def _environment(req: func.HttpRequest) -> EnvironmentName:
    return app().flag_environments.named(req.params.get(ENVIRONMENT) or None)


def asks_why(req: func.HttpRequest) -> bool:
    """Whether the address is that of a flag's explanation."""
    return (req.route_params.get("key") or "").endswith(EXPLAIN)


def _flag_key(req: func.HttpRequest) -> FlagKey:
    text = req.route_params.get("key") or ""
    if text.endswith(EXPLAIN):
        found = f"found {shown(text)}; the ending {EXPLAIN} is reserved: there a flag is explained (GET)"
        raise InvalidError(Problem("key", found))
    if req.method == "PUT" and flag_key_in(text) is None:
        raise InvalidError(Problem("key", f"found {shown(text)}; {key_allowed(slashes=True)}"))
    return _key_in(text)


def _key_in(text: str) -> FlagKey:
    key = flag_key_in(text)
    if key is None:
        raise UnknownFlagError(f"there is no flag {shown(text)}: no flag can have this key")
    return key


def _segment_key(req: func.HttpRequest) -> SegmentKey:
    text = req.route_params["key"]
    key = segment_key_in(text)
    if key is None and req.method == "PUT":
        raise InvalidError(Problem("key", f"found {shown(text)}; {key_allowed(slashes=False)}"))
    if key is None:
        raise UnknownFlagError(f"there is no segment {shown(text)}: no segment can have this key")
    return key


def _short_id() -> str:
    """Return what names a proposal to the people who approve it."""
    return new_id()[:12]
