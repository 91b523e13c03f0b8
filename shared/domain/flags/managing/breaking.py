"""What saving a flag or a segment would break of what needs it, also by others in between.

A chain grows at its foot as well as at its top: whoever lengthens the foot is told which flag would not be served any
more. What is broken already cannot be broken by it, so that it stands in nobody's way.
"""

from collections.abc import Iterator, Mapping

from shared.domain.errors import Problem
from shared.domain.flags.findings import Finding
from shared.domain.flags.managing.uses import flags_that_ask, segments_that_ask, users_of_flag
from shared.domain.flags.model import Flag, Segment
from shared.domain.flags.operators import Regexes, Search
from shared.domain.flags.problems import flag_findings, problems_of, problems_of_segment, segment_findings
from shared.domain.flags.surroundings import Surroundings
from shared.domain.names import FlagKey, SegmentKey


def problems_of_saving(
    flag: Flag, flags: Mapping[FlagKey, Flag], segments: Mapping[SegmentKey, Segment], *, regexes: Regexes
) -> tuple[Problem, ...]:
    """Return what is wrong with a flag among these; where nothing is, what it would break of those that need it."""
    own = problems_of(flag, flags, segments, regexes=regexes)
    if own:
        return own
    before = Surroundings(flags, segments, _unchecked)
    after = Surroundings({**flags, flag.key: flag}, segments, _unchecked)
    found = dict.fromkeys(_of_users(flag, before, after))
    found.update(dict.fromkeys(_broken_flags(_that_need(flag.key, flags), before, after, "needs this flag")))
    return tuple(Problem("variants", problem) for problem in found)


def problems_of_saving_segment(
    segment: Segment, flags: Mapping[FlagKey, Flag], segments: Mapping[SegmentKey, Segment], *, regexes: Regexes
) -> tuple[Problem, ...]:
    """Return what is wrong with a segment among these; where nothing is, what it would break of those that ask it."""
    own = problems_of_segment(segment, segments, regexes=regexes)
    if own:
        return own
    before = Surroundings(flags, segments, _unchecked)
    after = Surroundings(flags, {**segments, segment.key: segment}, _unchecked)
    asking = flags_that_ask(segment.key, flags.values(), segments.values())
    broken = [*_broken_flags(asking, before, after, "asks for this segment")]
    for other in segments_that_ask(segment.key, segments.values()):
        fault = _first_breaking(segment_findings(other, after))
        if fault is not None and _first_breaking(segment_findings(other, before)) is None:
            broken.append(f"segment {other.key} asks for this segment, and would be broken: {fault}")
    return tuple(Problem("rules", problem) for problem in broken)


def _of_users(flag: Flag, before: Surroundings, after: Surroundings) -> Iterator[str]:
    """Return also what does not break a flag that needs this one directly: a variant of it that would be gone."""
    for user in users_of_flag(flag.key, before.flags.values()):
        was = {finding.problem for finding in flag_findings(user, before)}
        for finding in flag_findings(user, after):
            if finding.path.startswith("prerequisites") and finding.problem not in was:
                yield f"flag {user.key} needs this flag, and would be broken: {finding.problem}"


def _broken_flags(users: tuple[Flag, ...], before: Surroundings, after: Surroundings, how: str) -> Iterator[str]:
    for user in users:
        fault = _first_breaking(flag_findings(user, after))
        if fault is not None and _first_breaking(flag_findings(user, before)) is None:
            yield f"flag {user.key} {how}, and would be broken: {fault}"


def _that_need(key: FlagKey, flags: Mapping[FlagKey, Flag]) -> tuple[Flag, ...]:
    """Return the flags that need this one, directly or by others."""
    users: dict[FlagKey, list[Flag]] = {}
    for flag in flags.values():
        for needed in flag.prerequisites:
            users.setdefault(needed.flag, []).append(flag)
    found: dict[FlagKey, Flag] = {}
    ahead = [key]
    while ahead:
        for user in users.get(ahead.pop(), ()):
            if user.key not in found and user.key != key:
                found[user.key] = user
                ahead.append(user.key)
    return tuple(found.values())


def _first_breaking(findings: Iterator[Finding]) -> Problem | None:
    return next((finding.problem for finding in findings if finding.breaks), None)


def _unchecked(_: str) -> Search:
    """Patterns are not made ready once more: nobody else's save changes them."""
    return lambda _: False
