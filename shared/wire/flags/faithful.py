"""Documents for other products that hold only what serves everybody there what it serves here."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from shared.domain.errors import Problem
from shared.domain.flags.managing.uses import flags_that_ask, segments_that_ask
from shared.domain.flags.model import Flag, Segment
from shared.domain.names import SegmentKey
from shared.wire.flags.notes import Exported, Fate, Refused

Write = Callable[[Sequence[Flag], Sequence[Segment]], Exported]

_FIX: Final = "say it without that, or ask for it with its losses (lossy)"


def faithful(write: Write, flags: Iterable[Flag], segments: Iterable[Segment]) -> Exported:
    """Return what `write` makes of these without those that would serve differently, which are refused.

    Who needs one of those is refused with it: what is left out is written anew without it until nothing is lost.
    """
    kept, groups = tuple(flags), tuple(segments)
    refused: dict[Refused, None] = {}
    while True:
        exported = write(kept, groups)
        lost = [note for note in exported.notes if note.fate is Fate.SERVES]
        if not lost:
            return Exported(exported.document, exported.notes, (*refused, *exported.refused))
        gone = [
            Refused(note.subject, Problem("", f"{note.fate}: {note.words}: {_FIX}"), note.is_segment) for note in lost
        ]
        for key in {note.subject: None for note in lost if note.is_segment}:
            asking = Problem("", f"{Fate.SERVES}: the segment {key}, which it asks for, is refused")
            gone += [Refused(flag.key, asking) for flag in flags_that_ask(SegmentKey(key), kept, groups)]
            gone += [Refused(each.key, asking, is_segment=True) for each in segments_that_ask(SegmentKey(key), groups)]
        refused |= dict.fromkeys(gone)
        away = {(each.subject, each.is_segment) for each in gone}
        kept = tuple(flag for flag in kept if (flag.key, False) not in away)
        groups = tuple(segment for segment in groups if (segment.key, True) not in away)
