"""HTTP: feature flags and segments as people write, approve, kill, explain and restore them.

A key may hold slashes, so it is the rest of the address: what is asked of a flag beside reading and writing it stands
in the body, and its history and explanations have addresses of their own.

Of two functions whose routes both fit, Azure takes the one whose name comes first in the alphabet, however literal the
other's route is. So whatever has a literal address below `api/flags` is named to come before these, and no flag can
have its key (`RESERVED_KEYS`).
"""

from typing import Final, assert_never

import azure.functions as func

from functions.answers import Reply, after_in, for_operators, new_id
from shared.bootstrap import app
from shared.domain.errors import InvalidError, Problem
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
    context_in,
    dry_run_in,
    etag_of,
    expected_in,
    flag_key_in,
    flag_of,
    is_set,
    parse_flag_action,
    reason_of,
    revision_in,
    segment_key_in,
    segment_of,
)
from shared.wire.flag_views import flag_view
from shared.wire.flags.document import LONGEST_DOCUMENT
from shared.wire.identities import requested_identity

ENVIRONMENT: Final = "environment"

blueprint = func.Blueprint()


@blueprint.route(route="api/flags", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def find_flags(req: func.HttpRequest) -> func.HttpResponse:
    """Return a page of the flags that are served."""
    return for_operators(req, _list_flags, takes=(ENVIRONMENT, "after", "tag", "stale"))


@blueprint.route(route="api/flags/{*key}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def get_flag(req: func.HttpRequest) -> func.HttpResponse:
    """Return a flag with what waits to change it, one of its revisions, or, at `.../explain`, why it serves what."""
    return for_operators(req, _get_flag, takes=(ENVIRONMENT, "context" if _asks_why(req) else "revision"))


@blueprint.route(route="api/flags/{*key}", methods=["PUT"], auth_level=func.AuthLevel.ANONYMOUS)
def put_flag(req: func.HttpRequest) -> func.HttpResponse:
    """Save a flag, propose it where that is asked for, or say whom it would move."""
    return for_operators(req, _put_flag, takes=(ENVIRONMENT, "reason", "dry-run"), at_most=LONGEST_DOCUMENT)


@blueprint.route(route="api/flags/{*key}", methods=["DELETE"], auth_level=func.AuthLevel.ANONYMOUS)
def archive_flag(req: func.HttpRequest) -> func.HttpResponse:
    """Archive a flag: it is served to nobody, and can be brought back."""
    return for_operators(req, _archive_flag, takes=(ENVIRONMENT, "reason"))


@blueprint.route(route="api/flags/{*key}", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
def steer_flag(req: func.HttpRequest) -> func.HttpResponse:
    """Kill, revive, approve, reject, schedule, cancel, restore or distribute."""
    return for_operators(req, _steer_flag, takes=(ENVIRONMENT,), at_most=LONGEST_DOCUMENT)


@blueprint.route(route="api/flag-history/{*key}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def get_flag_history(req: func.HttpRequest) -> func.HttpResponse:
    """Return a page of a flag's history."""
    return for_operators(req, _get_flag_history, takes=(ENVIRONMENT, "after"))


@blueprint.route(route="api/flag-explanations/{*key}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def explain_flag(req: func.HttpRequest) -> func.HttpResponse:
    """Return what a context gets of a flag, and why."""
    return for_operators(req, _explain_flag, takes=(ENVIRONMENT, "context"))


@blueprint.route(route="api/segments", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def list_segments(req: func.HttpRequest) -> func.HttpResponse:
    """Return a page of the segments."""
    return for_operators(req, _list_segments, takes=(ENVIRONMENT, "after"))


@blueprint.route(route="api/segments/{key}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def get_segment(req: func.HttpRequest) -> func.HttpResponse:
    """Return a segment, or one of its revisions."""
    return for_operators(req, _get_segment, takes=(ENVIRONMENT, "revision"))


@blueprint.route(route="api/segments/{key}", methods=["PUT"], auth_level=func.AuthLevel.ANONYMOUS)
def put_segment(req: func.HttpRequest) -> func.HttpResponse:
    """Save a segment."""
    return for_operators(req, _put_segment, takes=(ENVIRONMENT, "reason"), at_most=LONGEST_DOCUMENT)


@blueprint.route(route="api/segments/{key}", methods=["DELETE"], auth_level=func.AuthLevel.ANONYMOUS)
def delete_segment(req: func.HttpRequest) -> func.HttpResponse:
    """Delete a segment that nobody asks for."""
    return for_operators(req, _delete_segment, takes=(ENVIRONMENT, "reason"))


@blueprint.route(route="api/segments/{key}/history", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def get_segment_history(req: func.HttpRequest) -> func.HttpResponse:
    """Return a page of a segment's history."""
    return for_operators(req, _get_segment_history, takes=(ENVIRONMENT, "after"))


def _list_flags(req: func.HttpRequest, _caller: str) -> Reply:
    view = app().flag_views.list_flags(
        _environment(req),
        after=req.params.get("after") or None,
        tag=req.params.get("tag") or None,
        stale=is_set(req.params, "stale"),
    )
    return Reply(200, view)


def _get_flag(req: func.HttpRequest, caller: str) -> Reply:
    if _asks_why(req):
        return _explain_flag(req, caller)
    environment, key, revision = _environment(req), _flag_key(req), revision_in(req.params)
    if revision is not None:
        return Reply(200, app().flag_views.flag_revision(environment, key, revision), etag=etag_of(revision))
    return _shown(environment, app().flag_changes.state(environment, key))


def _put_flag(req: func.HttpRequest, caller: str) -> Reply:
    environment, key, expected = _environment(req), _flag_key(req), expected_in(req.headers)
    if is_set(req.params, "dry-run"):
        asked = dry_run_in(req.get_body(), key)
        return Reply(200, app().flag_views.dry_run(environment, asked.flag, asked.contexts))
    flag = flag_of(req.get_body(), req.headers.get("content-type"), key)
    command = SaveFlag(flag=flag, by=caller, why=reason_of(req.params), expected=expected, id=_short_id())
    is_new = not app().flag_changes.is_there(environment, key)
    return _told(environment, key, command, caller, is_new=is_new)


def _archive_flag(req: func.HttpRequest, caller: str) -> Reply:
    environment, key = _environment(req), _flag_key(req)
    expected = expected_in(req.headers, Unread.ANY)
    command = Archive(by=caller, why=reason_of(req.params), expected=expected, id=_short_id())
    return _told(environment, key, command, caller)


def _steer_flag(req: func.HttpRequest, caller: str) -> Reply:
    environment, key = _environment(req), _flag_key(req)
    request = parse_flag_action(req.get_body(), key)
    expected_in(req.headers)
    _identity(req, key)
    if request.action is not FlagAction.RESTORE:
        return _told(environment, key, _command(req, request, key, caller), caller)
    is_there = app().flag_changes.is_there(environment, key)
    state = app().flag_changes.restore(
        environment,
        key,
        request.revision,
        by=caller,
        why=request.reason,
        expected=expected_in(req.headers, Unread.ANY if is_there else Unread.UNSAID),
        change_id=_short_id(),
    )
    return _shown(environment, state, caller)


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


def _told(
    environment: EnvironmentName, key: FlagKey, command: AtTheDoor, caller: str, *, is_new: bool = False
) -> Reply:
    state = app().flag_changes.tell(environment, key, command)
    proposes = isinstance(command, SaveFlag | Archive | ScheduleChange)
    return _shown(environment, state, caller if proposes else "", is_new=is_new)


def _shown(environment: EnvironmentName, state: FlagState, by: str = "", *, is_new: bool = False) -> Reply:
    """Return the flag: 202 where what its author asked for waits for approval."""
    waits = state.proposal is not None and state.proposal.by == by
    status = 202 if waits else 201 if is_new else 200
    location = f"/api/flags/{state.key}?environment={environment}"
    return Reply(
        status, flag_view(environment, state), location if status > 200 else None, etag=etag_of(state.revision)
    )


def _get_flag_history(req: func.HttpRequest, _caller: str) -> Reply:
    return Reply(200, app().flag_views.flag_history(_environment(req), _flag_key(req), after_in(req)))


def _explain_flag(req: func.HttpRequest, _caller: str) -> Reply:
    key = _key_in((req.route_params.get("key") or "").removesuffix(EXPLAIN))
    return Reply(200, app().flag_views.explanation(_environment(req), key, context_in(req.params)))


def _list_segments(req: func.HttpRequest, _caller: str) -> Reply:
    return Reply(200, app().flag_views.list_segments(_environment(req), after=req.params.get("after") or None))


def _get_segment(req: func.HttpRequest, _caller: str) -> Reply:
    environment, key, revision = _environment(req), _segment_key(req), revision_in(req.params)
    if revision is not None:
        return Reply(200, app().flag_views.segment_revision(environment, key, revision), etag=etag_of(revision))
    return _shown_segment(environment, key, 200)


def _put_segment(req: func.HttpRequest, caller: str) -> Reply:
    environment, key, expected = _environment(req), _segment_key(req), expected_in(req.headers)
    segment = segment_of(req.get_body(), req.headers.get("content-type"), key)
    is_new = not app().segments.is_there(environment, key)
    app().segments.save(environment, segment, by=caller, why=reason_of(req.params), expected=expected)
    return _shown_segment(environment, key, 201 if is_new else 200)


def _delete_segment(req: func.HttpRequest, caller: str) -> Reply:
    environment, key = _environment(req), _segment_key(req)
    expected = expected_in(req.headers, Unread.ANY)
    state = app().segments.delete(environment, key, by=caller, why=reason_of(req.params), expected=expected)
    return Reply(200, {"key": key, "environment": environment, "revision": state.revision})


def _get_segment_history(req: func.HttpRequest, _caller: str) -> Reply:
    return Reply(200, app().flag_views.segment_history(_environment(req), _segment_key(req), after_in(req)))


def _shown_segment(environment: EnvironmentName, key: SegmentKey, status: int) -> Reply:
    view, revision = app().flag_views.segment(environment, key)
    location = f"/api/segments/{key}?environment={environment}"
    return Reply(status, view, location if status > 200 else None, etag=etag_of(revision))


def _environment(req: func.HttpRequest) -> EnvironmentName:
    return app().flag_environments.named(req.params.get(ENVIRONMENT) or None)


def _asks_why(req: func.HttpRequest) -> bool:
    return (req.route_params.get("key") or "").endswith(EXPLAIN)


def _flag_key(req: func.HttpRequest) -> FlagKey:
    text = req.route_params.get("key") or ""
    if text.endswith(EXPLAIN):
        found = f"found {shown(text)}; the ending {EXPLAIN} is reserved: there a flag is explained (GET)"
        raise InvalidError(Problem("key", found))
    return _key_in(text)


def _key_in(text: str) -> FlagKey:
    key = flag_key_in(text)
    if key is None:
        raise UnknownFlagError(f"there is no flag {shown(text)}: no flag can have this key")
    return key


def _segment_key(req: func.HttpRequest) -> SegmentKey:
    text = req.route_params["key"]
    key = segment_key_in(text)
    if key is None:
        raise UnknownFlagError(f"there is no segment {shown(text)}: no segment can have this key")
    return key


def _short_id() -> str:
    """Return what names a proposal to the people who approve it."""
    return new_id()[:12]
