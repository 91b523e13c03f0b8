"""Taking over a whole document of flags: each by itself, so that one that is wrong does not stop the others.

What is there already is changed only where the caller says so, and never what a rollout drives. An import takes as much
time as a request may; what is left then is postponed, and the same document sent again goes on from there.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from shared.application.flag_aggregates import load_flag, load_segment, new_flag, new_segment
from shared.application.flag_serving import FlagServer
from shared.application.flags import Among, FlagRules, Flags
from shared.application.segments import Segments
from shared.domain.errors import InvalidError, Problem, RejectedError
from shared.domain.flags.managing.breaking import problems_of_saving_segment
from shared.domain.flags.managing.commands import NEW, SaveFlag
from shared.domain.flags.managing.refusals import RevisionError
from shared.domain.flags.managing.segments import SaveSegment, SegmentState, decide_segment
from shared.domain.flags.managing.state import FlagState
from shared.domain.flags.model import Flag, Segment
from shared.domain.flags.nesting import Nesting
from shared.domain.names import EnvironmentName, key_of_flag, key_of_segment
from shared.ports.clock import Clock
from shared.ports.rollout_store import RolloutStore
from shared.wire.flag_transfer import ImportRequest, ImportResult, Outcome, Transferred
from shared.wire.flags.notes import Refused

TIME = timedelta(seconds=20)
"""After this nothing more is begun."""

Item = TypeVar("Item", Flag, Segment)
IS_THERE = Problem("", "it is there already, and is not the same: say overwrite=true to change it")


@dataclass(frozen=True, slots=True)
class FlagImports:
    """Imports documents. Raises `TryLaterError` when the store is unwell; what was done until then stays done."""

    store: RolloutStore
    flags: Flags
    segments: Segments
    rules: FlagRules
    server: FlagServer
    clock: Clock

    def run(self, environment: EnvironmentName, request: ImportRequest, *, by: str, change_id: str) -> ImportResult:
        """Save each, or with a dry run only say what would come of it."""
        run = _Run(self, environment, request, by, change_id, self.clock.now() + TIME)
        imported = request.imported
        segments = run.each(imported.segments, run.segment)
        flags = run.each(imported.flags, run.flag)
        return ImportResult(
            flags=(*flags, *_unread(each for each in imported.refused if not each.is_segment)),
            segments=(*segments, *_unread(each for each in imported.refused if each.is_segment)),
        )


class _Run:
    """One import. A dry run keeps what it would have saved, so that what follows is checked among that."""

    def __init__(
        self,
        imports: FlagImports,
        environment: EnvironmentName,
        request: ImportRequest,
        by: str,
        change_id: str,
        ends: datetime,
    ) -> None:
        self._imports = imports
        self._environment = environment
        self._request = request
        self._by = by
        self._why = request.reason or f"imported from {request.format}"
        self._id = change_id
        self._ends = ends
        self._among = Among.served(imports.server.latest(environment)) if request.dry_run else None

    def each(self, items: Sequence[Item], save: Callable[[Item], Transferred]) -> tuple[Transferred, ...]:
        """Save all of them; one that needs another of them is tried again after that one was saved."""
        done: dict[str, Transferred] = {}
        ahead = list(items)
        while ahead:
            refused: list[Item] = []
            for item in ahead:
                done[item.key] = self._saved(item, save)
                if done[item.key].outcome is Outcome.REFUSED and IS_THERE not in done[item.key].reasons:
                    refused.append(item)
            if len(refused) == len(ahead):
                break
            ahead = refused
        for item in ahead:
            done[item.key] = self._with_circle(item, done[item.key])
        return tuple(done[item.key] for item in items)

    def _with_circle(self, item: Item, refused: Transferred) -> Transferred:
        """Say so where items of the document need each other in a circle: each by itself only misses the others."""
        served, imported = Among.served(self._imports.server.latest(self._environment)), self._request.imported
        flags = {**served.flags, **{flag.key: flag for flag in imported.flags}}
        nesting = Nesting(flags, {**served.segments, **{segment.key: segment for segment in imported.segments}})
        try:
            if isinstance(item, Flag):
                nesting.check_prerequisites(item)
            else:
                nesting.check_segment(item)
        except ValueError as error:
            problem = Problem("prerequisites" if isinstance(item, Flag) else "rules", str(error))
            return replace(refused, reasons=tuple(dict.fromkeys((problem, *refused.reasons))))
        return refused

    def _saved(self, item: Item, save: Callable[[Item], Transferred]) -> Transferred:
        if self._imports.clock.now() >= self._ends:
            return Transferred(key=item.key, outcome=Outcome.POSTPONED)
        try:
            return save(item)
        except RevisionError:
            reasons: tuple[Problem, ...] = (IS_THERE,)
        except InvalidError as error:
            reasons = error.problems
        except RejectedError as error:
            reasons = (Problem("", str(error)),)
        return Transferred(key=item.key, outcome=Outcome.REFUSED, reasons=reasons)

    def flag(self, flag: Flag) -> Transferred:
        """Save one flag."""
        aggregate = key_of_flag(self._environment, flag.key)
        current = load_flag(self._imports.store, aggregate) or new_flag(self._environment, flag.key)
        before = current.state
        is_there = before.live is not None
        command = SaveFlag(
            flag=flag,
            by=self._by,
            why=self._why,
            expected=before.revision if is_there and self._request.overwrite else NEW,
            id=self._id,
        )
        if self._among is None:
            after = self._imports.flags.tell(self._environment, flag.key, command)
        else:
            after = self._imports.rules.decide(current, command, self._among).state
            self._among = replace(self._among, flags={**self._among.flags, flag.key: flag})
        return Transferred(key=flag.key, outcome=_outcome(before, after, self._id), revision=after.revision)

    def segment(self, segment: Segment) -> Transferred:
        """Save one segment."""
        aggregate = key_of_segment(self._environment, segment.key)
        current = load_segment(self._imports.store, aggregate) or new_segment(self._environment, segment.key)
        before = current.state
        expected = before.revision if before.segment is not None and self._request.overwrite else NEW
        if self._among is None:
            after = self._imports.segments.save(
                self._environment, segment, by=self._by, why=self._why, expected=expected
            )
        else:
            problems = problems_of_saving_segment(
                segment, self._among.flags, self._among.segments, regexes=self._imports.rules.regexes
            )
            if problems:
                raise InvalidError(*problems)
            command = SaveSegment(segment=segment, by=self._by, why=self._why, expected=expected)
            after = decide_segment(before, command, now=self._imports.clock.now()).state
            self._among = replace(self._among, segments={**self._among.segments, segment.key: segment})
        return Transferred(key=segment.key, outcome=_outcome_of_segment(before, after), revision=after.revision)


def _unread(refused: Iterable[Refused]) -> tuple[Transferred, ...]:
    """Return what could not even be read, each with all that is wrong with it."""
    wrong: dict[str, list[Problem]] = {}
    for each in refused:
        wrong.setdefault(each.subject, []).append(each.problem)
    return tuple(
        Transferred(key=key, outcome=Outcome.REFUSED, reasons=tuple(problems)) for key, problems in wrong.items()
    )


def _outcome(before: FlagState, after: FlagState, change: str) -> Outcome:
    if after.revision > before.revision:
        return Outcome.CREATED if before.live is None else Outcome.CHANGED
    is_proposed = after.proposal is not None and after.proposal.id == change
    return Outcome.PROPOSED if is_proposed else Outcome.UNCHANGED


def _outcome_of_segment(before: SegmentState, after: SegmentState) -> Outcome:
    if after.revision == before.revision:
        return Outcome.UNCHANGED
    return Outcome.CREATED if before.segment is None else Outcome.CHANGED
