"""What a person does with the dead-letter list: look, have a letter sent again, or close it.

A redrive is written down before the message is sent and noted as sent afterwards, so that nothing is lost between the
two: a marker stands from before the first write on, and the sweep has the letter looked at again. Should a crash have
the message sent twice, it is the same command twice, which is one command: its identity is in the body.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from shared.application.door import MARKER_GRACE
from shared.domain.dead_letters.decide import Discard, LetterDecision, Redrive, decide, is_over, not_taken, sent
from shared.domain.dead_letters.letter import KEPT, LONGEST_REASON, DeadLetter, LetterState, Redriven
from shared.domain.errors import (
    InvalidError,
    RejectedError,
    SlipwayError,
    TryLaterError,
    UnknownError,
    VersionConflictError,
)
from shared.ports.clock import Clock
from shared.ports.command_queue import WakeUp
from shared.ports.dead_letters import DeadLetters, KeptLetter
from shared.ports.open_markers import OpenMarkers

LETTERS: Final = "dead-letter:"
"""What the key of a letter begins with, in markers and wake-ups."""
CONFLICTS_AT_MOST: Final = 10

Sender = Callable[[bytes], None]
"""Puts a body back on the queue that it came from, under a fresh message id.

Raises `TryLaterError` when that is unwell, and `InvalidError` or `RejectedError` for what that queue never takes."""
Check = Callable[[bytes], object]
"""Raises `InvalidError` or `RejectedError` for a body that would only be refused again."""

log = logging.getLogger("slipway.dead_letters")


class UnknownLetterError(UnknownError):
    """There is no letter of this id (HTTP 404)."""


@dataclass(frozen=True, slots=True)
class WayBack:
    """How what came from one source goes back there."""

    check: Check
    send: Sender


@dataclass(frozen=True, slots=True)
class RedriveOrDiscard:
    """Every method raises `TryLaterError` when the store is unwell: nothing was done then."""

    letters: DeadLetters
    markers: OpenMarkers
    ways: Mapping[str, WayBack]
    """By the source of a letter."""
    clock: Clock

    def act(self, letter_id: str, command: Redrive | Discard) -> LetterDecision:
        """Do what is asked, once; asked again it says what was done then and does nothing.

        Raises `UnknownLetterError`, and `RejectedError` where somebody did the other thing before, or where the letter
        cannot be sent again.
        """
        for _ in range(CONFLICTS_AT_MOST):
            kept = self._find(letter_id)
            decision = decide(kept.letter, command, self.clock.now())
            if not decision.is_new:
                return decision
            if isinstance(command, Redrive):
                _check(self._way(kept.letter), kept.letter.body)
            self.markers.open(f"{LETTERS}{letter_id}", self.clock.now() + MARKER_GRACE)
            try:
                self.letters.put(decision.letter, kept.etag)
            except VersionConflictError:
                continue
            log.warning("letter %s: %s by %s", letter_id, type(command).__name__.lower(), command.by)
            return replace(decision, letter=self._sent_at_once(decision.letter))
        raise TryLaterError(f"letter {letter_id} is changing too fast to be decided now", after_seconds=1)

    def drive(self, wake_up: WakeUp, *, redelivered: bool = False) -> None:  # noqa: ARG002 - there is nothing to claim
        """Look at a letter that the sweep found: send what a crash kept from being sent, forget what was kept long
        enough."""
        letter_id = wake_up.key.removeprefix(LETTERS)
        kept = self.letters.find(letter_id)
        letter = kept.letter if kept is not None else None
        if letter is not None and letter.state is LetterState.REDRIVING:
            letter = self._send(letter)
        if kept is not None and letter is not None and is_over(letter, self.clock.now()):
            self.letters.remove(letter_id, kept.etag)
            letter = None
        self._answer_sweep(wake_up, letter)

    def _find(self, letter_id: str) -> KeptLetter:
        kept = self.letters.find(letter_id)
        if kept is None:
            raise UnknownLetterError(f"there is no letter {letter_id}")
        return kept

    def _way(self, letter: DeadLetter) -> WayBack:
        way = self.ways.get(letter.source)
        if way is None:
            raise RejectedError(f"nothing of the source {letter.source} can be sent again from here: discard it")
        return way

    def _sent_at_once(self, letter: DeadLetter) -> DeadLetter:
        """Send what is to be sent; what cannot be sent now is sent after the next sweep that finds its marker."""
        if letter.state is not LetterState.REDRIVING:
            return letter
        try:
            return self._send(letter)
        except SlipwayError as error:
            log.warning("letter %s is not sent at once, it will be: %s", letter.id, error)
            return letter

    def _send(self, letter: DeadLetter) -> DeadLetter:
        """Send the message and note what came of it. One that was refused meanwhile stays as it is: open again."""
        redriven = letter.happenings[-1]
        assert isinstance(redriven, Redriven)
        refusal = self._refusal_to_take(letter)
        for _ in range(CONFLICTS_AT_MOST):
            kept, now = self._find(letter.id), self.clock.now()
            if refusal is None:
                noted = sent(kept.letter, redriven.command, now)
            else:
                noted = not_taken(kept.letter, redriven.command, refusal, now)
            if noted is None:
                return kept.letter
            try:
                self.letters.put(noted, kept.etag)
            except VersionConflictError:
                continue
            return noted
        return letter

    def _refusal_to_take(self, letter: DeadLetter) -> str | None:
        """Send the message; return why its queue never takes it, None where it did. Raises `TryLaterError`."""
        try:
            self._way(letter).send(letter.body)
        except (InvalidError, RejectedError) as error:
            log.error("letter %s cannot be sent again: %s", letter.id, error)
            return f"it cannot be sent again: {error}"[:LONGEST_REASON]
        return None

    def _answer_sweep(self, wake_up: WakeUp, letter: DeadLetter | None) -> None:
        """Say when the letter is to be forgotten, or that nothing of it is open."""
        if not wake_up.marker:
            return
        if letter is not None and letter.closed is not None:
            self.markers.put_off(wake_up.key, wake_up.marker, letter.closed + KEPT)
        else:
            self.markers.close(wake_up.key, wake_up.marker)


def _check(way: WayBack, body: bytes) -> None:
    try:
        way.check(body)
    except InvalidError as error:
        raise RejectedError(f"it would only be refused again: {error}") from error
