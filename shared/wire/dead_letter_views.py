"""Dead letters as people and machines are shown them, with what looks like a secret hidden."""

from collections.abc import Callable
from datetime import datetime
from typing import Final, assert_never

from shared.domain.dead_letters.letter import (
    DeadLetter,
    Discarded,
    Happening,
    LetterState,
    Redriven,
    Refused,
    UnreadLetter,
)
from shared.wire.views import shown_time

LONGEST_BODY = 64_000
"""Characters of a body that are shown."""

BEYOND = 10_000
"""So many more are looked through for secrets, so that none is cut in two, and no more: that takes its time."""

UNREAD: Final = "unread"
"""What is shown as the state of a letter that this release cannot read."""

Hide = Callable[[str], str]
"""Returns a text without its secrets."""


def letter_view(letter: DeadLetter, hide: Hide) -> dict[str, object]:
    """Return a letter with its history, the oldest happening first."""
    body, is_whole = _shown_body(letter.body.decode(errors="replace"), hide)
    return {
        "id": letter.id,
        "source": letter.source,
        "state": letter.state.value,
        "about": list(letter.about),
        "reason": hide(letter.refused.reason),
        "body": body,
        "is_whole": letter.is_whole and is_whole,
        "at": shown_time(letter.refused.at),
        "history": [happening_view(each, hide) for each in letter.happenings],
        "left_out": letter.left_out,
    }


def _shown_body(text: str, hide: Hide) -> tuple[str, bool]:
    """Return what is shown of a body, and whether that is all of it."""
    looked_through = LONGEST_BODY + BEYOND
    hidden = hide(text[:looked_through])
    if len(text) > looked_through:
        return hidden[:-BEYOND][:LONGEST_BODY], False
    return hidden[:LONGEST_BODY], len(hidden) <= LONGEST_BODY


def unread_view(unread: UnreadLetter) -> dict[str, object]:
    """Return a letter that this release cannot read, as far as it is known."""
    return {
        "id": unread.id,
        "source": "",
        "state": UNREAD,
        "about": [],
        "reason": unread.why,
        "body": "",
        "is_whole": False,
        "at": None,
        "history": [],
        "left_out": 0,
    }


def happening_view(happening: Happening, hide: Hide) -> dict[str, object]:
    """Return one line of a letter's history."""
    match happening:
        case Refused():
            return {
                "type": "Refused",
                "at": shown_time(happening.at),
                "reason": hide(happening.reason),
                "times": happening.times,
                "again": _time(happening.again),
                "attempts": happening.attempts,
            }
        case Redriven():
            who = {"by": happening.by, "reason": happening.why}
            return {"type": "Redriven", "at": shown_time(happening.at), **who, "sent": _time(happening.sent)}
        case Discarded():
            return {
                "type": "Discarded",
                "at": shown_time(happening.at),
                "by": happening.by,
                "reason": happening.why,
            }
        case _:
            assert_never(happening)


STATES = (*(state.value for state in LetterState), UNREAD, "all")
"""What a list can be asked for: a state, what cannot be read here, or everything."""


def _time(at: datetime | None) -> str | None:
    return shown_time(at) if at is not None else None
