"""A dead letter: what could not be handled, why, and everything that happened to it since.

A letter is known by where it came from and what it is about, not by why it was refused: what is sent again and fails
again, for whatever reason, is the same letter with a longer history.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, assert_never

from shared.domain.names import CommandId

HISTORY_AT_MOST: Final = 50
"""The newest happenings that a letter keeps; how many older ones there were is counted."""
LONGEST_REASON: Final = 1000
"""Characters of a reason that are kept."""
KEPT: Final = timedelta(days=30)
"""How long a letter that is closed can still be looked at: as long as a command's id is known."""


class LetterState(StrEnum):
    """Where a letter stands."""

    OPEN = "open"
    """It was refused, and nobody has done anything about it since."""
    REDRIVING = "redriving"
    """A person had it sent again, and it is about to be."""
    REDRIVEN = "redriven"
    """It was sent again. Should it be refused again, it is open again."""
    DISCARDED = "discarded"
    """A person said that nothing is to be done with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """It could not be handled, once or several times on end for the same reason."""

    reason: str
    at: datetime
    """When it was refused for the first of these times."""
    again: datetime | None = None
    """When it was refused for the last of these times, where there were several."""
    times: int = 1
    attempts: int = 1
    """How often it had been tried the last time that it was refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redriven:
    """A person had it sent again."""

    command: CommandId
    by: str
    why: str
    at: datetime
    sent: datetime | None = None
    """When it was on its way; None until then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discarded:
    """A person closed it."""

    command: CommandId
    by: str
    why: str
    at: datetime


Happening = Refused | Redriven | Discarded


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """What could not be handled. It begins with a refusal, and each refusal opens it again."""

    id: str
    source: str
    """Where it came from, such as `azure-monitor` or `commands`."""
    about: tuple[str, ...] = ()
    """The keys of the aggregates that it is about, such as `application:shop`, where that is known."""
    body: bytes
    """What came, as it came the last time."""
    is_whole: bool = True
    """False: there was more of the body than is kept, so it cannot be sent again."""
    happenings: tuple[Happening, ...]
    """The oldest first; never empty, and one of them is a refusal."""
    left_out: int = 0
    """How many older happenings are not kept any more."""

    @property
    def state(self) -> LetterState:
        """Where it stands: what happened last says so."""
        match self.happenings[-1]:
            case Refused():
                return LetterState.OPEN
            case Redriven(sent=sent):
                return LetterState.REDRIVING if sent is None else LetterState.REDRIVEN
            case Discarded():
                return LetterState.DISCARDED
            case other:
                assert_never(other)

    @property
    def refused(self) -> Refused:
        """The last refusal."""
        return next(each for each in reversed(self.happenings) if isinstance(each, Refused))

    @property
    def closed(self) -> datetime | None:
        """Since when nothing is to be done about it; None while something is."""
        match self.happenings[-1]:
            case Redriven(sent=sent):
                return sent
            case Discarded(at=at):
                return at
            case _:
                return None

    def with_happening(self, happening: Happening) -> "DeadLetter":
        """Return the letter with one more happening, and no more of them than are kept.

        Of the oldest the last refusal stays, whatever came after it: it says why there is a letter at all.
        """
        happenings = (*self.happenings, happening)
        left_out = self.left_out
        while len(happenings) > HISTORY_AT_MOST:
            first_is_needed = isinstance(happenings[0], Refused) and not any(
                isinstance(each, Refused) for each in happenings[1:]
            )
            dropped = 1 if first_is_needed else 0
            happenings = happenings[:dropped] + happenings[dropped + 1 :]
            left_out += 1
        return replace(self, happenings=happenings, left_out=left_out)


@dataclass(frozen=True, slots=True)
class UnreadLetter:
    """A letter that this release cannot read: a newer one wrote it, or it is broken. It is left as it is."""

    id: str
    why: str
