"""Which fields of a flag a change changes, and whether others changed them meanwhile."""

from dataclasses import fields, replace
from datetime import datetime

from shared.domain.flags.managing.state import FlagState
from shared.domain.flags.model import Flag

_NOT_SAVED = ("key", "killed")
"""The key is the flag's name for good, and the kill switch has commands of its own."""
SAVED = tuple(field.name for field in fields(Flag) if field.name not in _NOT_SAVED)


def changed_fields(before: Flag | None, after: Flag) -> tuple[str, ...]:
    """Return the fields that differ, in the order of the model; all of them where there was no flag."""
    return SAVED if before is None else tuple(name for name in SAVED if not _is_same(before, after, name))


def with_fields(current: Flag, wanted: Flag, names: tuple[str, ...]) -> Flag:
    """Return the current flag with these fields as they are wanted."""
    return replace(current, **{name: getattr(wanted, name) for name in names})


def foreseen_flag(state: FlagState, at: datetime) -> Flag | None:
    """Return the flag as the changes that wait for an earlier time will have made it; None where there is none."""
    flag = state.live
    if flag is None:
        return None
    for change in state.changes_until(at):
        flag = with_fields(flag, change.flag, change.fields)
    return flag


def conflict(
    state: FlagState, wanted: Flag, names: tuple[str, ...], revision: int, foreseen: tuple[int, ...] = ()
) -> str | None:
    """Say which of these fields were changed otherwise since a revision, or None when none was.

    The revisions that were foreseen do not count: whoever wants this knew what they would be.
    """
    flag = state.live
    if flag is None:
        return "the flag is archived" if state.archived else None
    changed = [name for name in names if state.touched_in(name) > revision and not _is_same(flag, wanted, name)]
    others = [name for name in changed if state.touched_in(name) not in foreseen]
    if not others:
        return None
    latest = max(state.touched_in(name) for name in others)
    what = ", ".join(others)
    return f"it was made against revision {revision}, and revision {latest} changed {what} otherwise"


def _is_same(before: Flag, after: Flag, name: str) -> bool:
    """Compare as text: to Python true is 1, and 1 is 1.0."""
    return repr(getattr(before, name)) == repr(getattr(after, name))
