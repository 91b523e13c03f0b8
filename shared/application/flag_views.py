"""Reading flags: the list, one of them, why a context gets what it gets, and who would get something else."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time

from shared.application.flag_serving import Content, FlagServer
from shared.application.flags import FlagRules, Flags
from shared.application.segments import Segments
from shared.domain.errors import InvalidError, Problem, RejectedError
from shared.domain.flags.changes import changes_of
from shared.domain.flags.compile import Ruleset, compile_flags
from shared.domain.flags.explain import explain
from shared.domain.flags.managing.driving import refusal_of_others
from shared.domain.flags.managing.refusals import UnknownFlagError
from shared.domain.flags.managing.uses import needed_by, users_of_segment
from shared.domain.flags.model import Flag, Json
from shared.domain.names import EnvironmentName, FlagKey, SegmentKey
from shared.ports.clock import Clock
from shared.ports.flag_usage import ALL_AT_ONCE, FlagUsage
from shared.wire.flag_requests import flag_key_in, segment_key_in
from shared.wire.flag_views import (
    change_view,
    explanation_view,
    flag_history_line,
    flag_line,
    flag_view,
    segment_history_line,
    segment_line,
    segment_view,
)
from shared.wire.flags.document import flag_document
from shared.wire.flags.segment_document import segment_document
from shared.wire.published_flags import PublishedFlag

LINES_AT_MOST = 200


@dataclass(frozen=True, slots=True)
class FlagViews:
    """Lists are read from what is served, so nothing is scanned. Raises `TryLaterError` when the store is unwell."""

    flags: Flags
    segments: Segments
    server: FlagServer
    rules: FlagRules
    usage: FlagUsage
    clock: Clock

    def list_flags(
        self, environment: EnvironmentName, *, after: str | None, tag: str | None, stale: bool
    ) -> dict[str, object]:
        """Return a page of the flags that are served, by their keys. Raises `InvalidError` when `after` is no key."""
        if after is not None and flag_key_in(after) is None:
            raise _no_cursor()
        flags = self.server.latest(environment).flags
        asked = [
            published
            for key, published in flags.items()
            if (after is None or key > after) and (tag is None or tag in published.flag.tags)
        ]
        lines: list[dict[str, object]] = []
        at_once = self.usage.last_days(environment, [ALL_AT_ONCE]).get(ALL_AT_ONCE, date.min) if asked else date.min
        needed = frozenset(each.flag for published in flags.values() for each in published.flag.prerequisites)
        for batch in _batched(asked, LINES_AT_MOST):
            lines += [line for line in self._lines(environment, batch, at_once, needed) if line["stale"] or not stale]
            if len(lines) > LINES_AT_MOST:
                break
        return {"environment": environment, **_page("flags", lines)}

    def _lines(
        self, environment: EnvironmentName, batch: Sequence[PublishedFlag], at_once: date, needed: Collection[FlagKey]
    ) -> list[dict[str, object]]:
        """Return the lines of some flags. One that another flag needs is asked for whenever that is.

        `at_once` is when somebody last asked for all of them. It is read by itself, for the flags of a
        batch are read as the range that they lie in.
        """
        now, keys = self.clock.now(), [published.flag.key for published in batch]
        days = self.usage.last_days(environment, keys)
        lines = []
        for published in batch:
            key = published.flag.key
            last = max(days.get(key, date.min), at_once)
            asked = None if last == date.min else min(now, datetime.combine(last, time.max, UTC))
            lines.append(flag_line(published, now, now if key in needed else asked))
        return lines

    def flag(self, environment: EnvironmentName, key: FlagKey) -> dict[str, object]:
        """Return a flag as it was decided. Raises `UnknownFlagError`."""
        return flag_view(environment, self.flags.state(environment, key))

    def flag_revision(self, environment: EnvironmentName, key: FlagKey, revision: int) -> dict[str, object]:
        """Return the flag as it was in a revision. Raises `UnknownFlagError`."""
        flag = self.flags.revision(environment, key, revision)
        return {"key": key, "environment": environment, "revision": revision, "flag": flag_document(flag)}

    def flag_history(self, environment: EnvironmentName, key: FlagKey, after: int) -> dict[str, object]:
        """Return lines of a flag's history, the oldest first. Raises `UnknownFlagError`."""
        entries, more = self.flags.history(environment, key, after)
        lines = [flag_history_line(entry.sequence, entry.document) for entry in entries]
        return {"flag": key, "environment": environment, "events": lines, "next": more}

    def explanation(self, environment: EnvironmentName, key: FlagKey, context: Mapping[str, Json]) -> dict[str, object]:
        """Return what a context gets of a flag now, and why. Raises `UnknownFlagError`."""
        content = self.server.latest(environment)
        if key not in content.flags:
            raise UnknownFlagError(f"there is no flag {key} in {environment}")
        found = explain(
            key,
            context,
            content.plain_flags,
            content.plain_segments,
            now=self.clock.now().timestamp(),
            region=self.server.region,
            regexes=self.rules.regexes,
        )
        return {"environment": environment, **explanation_view(found)}

    def dry_run(
        self, environment: EnvironmentName, flag: Flag, contexts: Sequence[Mapping[str, Json]]
    ) -> dict[str, object]:
        """Return which of the contexts would get something else if the flag were this. Nothing is stored.

        Raises `InvalidError` with what is wrong with the flag, and `RejectedError` where a rollout drives what would
        change, as saving it does.
        """
        self.rules.check(environment, flag)
        self._check_not_driven(environment, flag)
        content = self.server.latest(environment)
        flags = content.plain_flags
        current = flags.get(flag.key)
        saved = replace(flag, killed=current.killed) if current is not None else flag
        before = self._asked(content, flag.key, flags)
        after = self._asked(content, flag.key, {**flags, flag.key: saved})
        now, region = self.clock.now().timestamp(), self.server.region
        changes = changes_of(flag.key, before, after, contexts, now=now, region=region)
        return {
            "environment": environment,
            "flag": flag.key,
            "contexts": len(contexts),
            "changes": [change_view(change) for change in changes],
        }

    def _check_not_driven(self, environment: EnvironmentName, flag: Flag) -> None:
        if not self.flags.is_there(environment, flag.key):
            return
        why_not = refusal_of_others(self.flags.state(environment, flag.key), flag)
        if why_not is not None:
            raise RejectedError(why_not)

    def list_segments(self, environment: EnvironmentName, *, after: str | None) -> dict[str, object]:
        """Return a page of the segments that are served, by their keys. As `list_flags`."""
        if after is not None and segment_key_in(after) is None:
            raise _no_cursor()
        segments = self.server.latest(environment).segments
        lines = [segment_line(each) for key, each in segments.items() if after is None or key > after]
        return {"environment": environment, **_page("segments", lines)}

    def segment(self, environment: EnvironmentName, key: SegmentKey) -> tuple[dict[str, object], int]:
        """Return a segment as it was decided, with who asks for it, and its revision. Raises `UnknownFlagError`."""
        state = self.segments.state(environment, key)
        content = self.server.latest(environment)
        used_by = users_of_segment(key, content.plain_flags.values(), content.plain_segments.values())
        return segment_view(environment, state, used_by), state.revision

    def segment_revision(self, environment: EnvironmentName, key: SegmentKey, revision: int) -> dict[str, object]:
        """Return the segment as it was in a revision. Raises `UnknownFlagError`."""
        segment = self.segments.revision(environment, key, revision)
        return {"key": key, "environment": environment, "revision": revision, "segment": segment_document(segment)}

    def segment_history(self, environment: EnvironmentName, key: SegmentKey, after: int) -> dict[str, object]:
        """Return lines of a segment's history, the oldest first. Raises `UnknownFlagError`."""
        entries, more = self.segments.history(environment, key, after)
        lines = [segment_history_line(entry.sequence, entry.document) for entry in entries]
        return {"segment": key, "environment": environment, "events": lines, "next": more}

    def _asked(self, content: Content, key: FlagKey, flags: Mapping[FlagKey, Flag]) -> Ruleset:
        """Return the flag ready to be asked, with no other flags than those that it needs."""
        asked = needed_by(flags[key], flags) if key in flags else ()
        return compile_flags(asked, content.plain_segments.values(), regexes=self.rules.regexes)


def _batched(flags: Sequence[PublishedFlag], size: int) -> Iterator[Sequence[PublishedFlag]]:
    """Yield the flags, so many at a time."""
    return (flags[at : at + size] for at in range(0, len(flags), size))


def _no_cursor() -> InvalidError:
    return InvalidError(Problem("after", "allowed is the `next` of an earlier page, as it was given"))


def _page(name: str, lines: list[dict[str, object]]) -> dict[str, object]:
    more = len(lines) > LINES_AT_MOST
    return {name: lines[:LINES_AT_MOST], "next": lines[LINES_AT_MOST - 1]["key"] if more else None}
