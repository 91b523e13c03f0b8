"""What may be done with a dead letter, and what it comes to. Asked twice, the second answer is the first one's."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from shared.domain.dead_letters.letter import KEPT, DeadLetter, Discarded, LetterState, Redriven, Refused
from shared.domain.errors import RejectedError
from shared.domain.names import CommandId


@dataclass(frozen=True, slots=True, kw_only=True)
class Redrive:
    """A person asks for a letter to be sent again."""

    id: CommandId
    by: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Discard:
    """A person asks for a letter to be closed."""

    id: CommandId
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class LetterDecision:
    """The letter after it, and the happening that answers the command."""

    letter: DeadLetter
    answer: Redriven | Discarded
    is_new: bool
    """False: it had been done before, and nothing is to be done now."""


def refuse_again(letter: DeadLetter, refused: Refused, body: bytes, *, is_whole: bool) -> DeadLetter:
    """Return the letter with one more refusal, open whatever was done about it; the newest body is kept.

    The same reason on end is counted and not told again and again.
    """
    last = letter.happenings[-1]
    newest = replace(letter, body=body, is_whole=is_whole)
    if isinstance(last, Refused) and last.reason == refused.reason:
        more = replace(last, again=refused.at, times=last.times + 1, attempts=refused.attempts)
        return replace(newest, happenings=(*letter.happenings[:-1], more))
    return newest.with_happening(refused)


def decide(letter: DeadLetter, command: Redrive | Discard, now: datetime) -> LetterDecision:
    """Return what the command comes to. Raises `RejectedError` where somebody did the other thing before."""
    done = _done_by(letter, command.id) or _done_last(letter, command)
    if done is not None:
        return LetterDecision(letter, done, is_new=False)
    refusal = _refusal(letter, command)
    if refusal is not None:
        raise RejectedError(refusal)
    match command:
        case Redrive():
            happening: Redriven | Discarded = Redriven(command=command.id, by=command.by, why=command.why, at=now)
        case Discard():
            happening = Discarded(command=command.id, by=command.by, why=command.why, at=now)
        case _:
            assert_never(command)
    return LetterDecision(letter.with_happening(happening), happening, is_new=True)


def sent(letter: DeadLetter, command: CommandId, now: datetime) -> DeadLetter | None:
    """Return the letter on its way; None where this redrive is not what happened to it last, or was noted before."""
    redriven = _unsent(letter, command)
    if redriven is None:
        return None
    return replace(letter, happenings=(*letter.happenings[:-1], replace(redriven, sent=now)))


def not_taken(letter: DeadLetter, command: CommandId, reason: str, now: datetime) -> DeadLetter | None:
    """Return the letter open again, since its queue refuses to take it; None as `sent` does."""
    if _unsent(letter, command) is None:
        return None
    return letter.with_happening(Refused(reason=reason, at=now))


def is_over(letter: DeadLetter, now: datetime) -> bool:
    """Whether the letter was closed so long ago that it is to be forgotten."""
    return letter.closed is not None and letter.closed + KEPT <= now


def _unsent(letter: DeadLetter, command: CommandId) -> Redriven | None:
    match letter.happenings[-1]:
        case Redriven(command=awaited, sent=None) as last if awaited == command:
            return last
        case _:
            return None


def _done_by(letter: DeadLetter, command: CommandId) -> Redriven | Discarded | None:
    """Return what this very command did, also when the letter was refused again since: an answer that got lost."""
    mine = (each for each in letter.happenings if not isinstance(each, Refused) and each.command == command)
    return next(mine, None)


def _done_last(letter: DeadLetter, command: Redrive | Discard) -> Redriven | Discarded | None:
    """Return what somebody asked for before, where that was the same and nothing came of it yet."""
    last = letter.happenings[-1]
    if isinstance(last, Redriven) and isinstance(command, Redrive):
        return last
    return last if isinstance(last, Discarded) and isinstance(command, Discard) else None


def _refusal(letter: DeadLetter, command: Redrive | Discard) -> str | None:
    last = letter.happenings[-1]
    if not isinstance(last, Refused):
        done = "discarded" if letter.state is LetterState.DISCARDED else "redrove"
        return f"{last.by} {done} it at {last.at:%Y-%m-%d %H:%M:%S} UTC: {last.why}"
    if isinstance(command, Redrive) and not letter.is_whole:
        return "only the beginning of its body is kept, which cannot be sent again: discard it"
    return None
