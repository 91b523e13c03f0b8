"""What is wrong with a flag or a segment among the others of its environment.

All of it is refused when a flag is saved. When it happens all the same (a segment was deleted, a document imported),
some of it breaks the flag: it serves its off variant to everybody and says why. The rest does not: a prerequisite that
is not there is not met, a value that cannot be compared fits nobody.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from shared.domain.errors import Problem
from shared.domain.flags.condition_problems import condition_findings, window_findings
from shared.domain.flags.findings import Finding, attribute_findings
from shared.domain.flags.model import (
    All,
    AnyOf,
    Clause,
    Condition,
    Flag,
    FlagType,
    Json,
    Not,
    Operator,
    Prerequisite,
    Segment,
)
from shared.domain.flags.operators import Regexes, Search
from shared.domain.flags.serve_problems import serve_findings, split_findings, variant_findings
from shared.domain.flags.surroundings import Surroundings
from shared.domain.names import FlagKey, SegmentKey, VariantName

RESERVED_KEYS: Final = frozenset({FlagKey("import"), FlagKey("export"), FlagKey("events")})
"""No flag can have them, for something else is at their addresses below `api/flags`."""
MOST_PATTERNS: Final = 200
"""Regular expressions in one flag or segment: one may take 10 ms and a third of a megabyte to be made ready, which is
done while somebody waits."""
MOST_VALUES: Final = 10_000
"""Of all values that the targets and clauses of one flag, or the members and clauses of one segment, compare with."""
EXPLAIN: Final = "/explain"
"""Nor can a flag's key end so: that is where a flag is explained."""


def problems_of(
    flag: Flag,
    all_flags: Mapping[FlagKey, Flag],
    all_segments: Mapping[SegmentKey, Segment],
    *,
    regexes: Regexes | None = None,
) -> tuple[Problem, ...]:
    """Return everything that is wrong with a flag that is to be saved among these; patterns only with `regexes`."""
    among = Surroundings({**all_flags, flag.key: flag}, all_segments, regexes or _unchecked)
    count = sum(len(target.values) for target in flag.targets) + values_in(rule.condition for rule in flag.rules)
    too_many = _of_count(count, "a flag: make a segment of them")
    return (*_of_key(flag.key), *too_many, *(finding.problem for finding in flag_findings(flag, among)))


def problems_of_segment(
    segment: Segment, all_segments: Mapping[SegmentKey, Segment], *, regexes: Regexes | None = None
) -> tuple[Problem, ...]:
    """Return everything that is wrong with a segment that is to be saved among these; patterns only with `regexes`."""
    among = Surroundings({}, {**all_segments, segment.key: segment}, regexes or _unchecked)
    count = sum(len(each.values) for each in (*segment.included, *segment.excluded))
    too_many = _of_count(count + values_in(rule.condition for rule in segment.rules), "a segment")
    return (*too_many, *(finding.problem for finding in segment_findings(segment, among)))


def _of_key(key: FlagKey) -> Iterator[Problem]:
    if key in RESERVED_KEYS or key.endswith(EXPLAIN):
        taken = ", ".join(sorted(RESERVED_KEYS))
        yield Problem("key", f"found {key!r:.80}; allowed is any but {taken}, and none that ends in {EXPLAIN}")


def _of_count(count: int, of_what: str) -> Iterator[Problem]:
    """What was saved before there was a limit is served on: this is no finding."""
    if count > MOST_VALUES:
        yield Problem("", f"compares with {count} values; allowed are at most {MOST_VALUES} {of_what}")


def fault_of(flag: Flag, among: Surroundings) -> str | None:
    """Return the first thing that keeps a flag from being served, in words; None where nothing does."""
    return next((str(finding.problem) for finding in flag_findings(flag, among) if finding.breaks), None)


def flag_findings(flag: Flag, among: Surroundings) -> Iterator[Finding]:
    """Return everything that is wrong with a flag, in the order of its document."""
    names = tuple(variant.name for variant in flag.variants)
    if _patterns_in(rule.condition for rule in flag.rules) > MOST_PATTERNS:
        yield _TOO_MANY_PATTERNS
        return
    yield from _of_variants(flag, names)
    yield from variant_findings(flag.off, "off", names)
    yield from serve_findings(flag.default, "default", names, passes_on=False)
    if flag.schedule is not None:
        yield from window_findings(flag.schedule, "schedule")
    yield from _of_prerequisites(flag, among)
    for index, target in enumerate(flag.targets):
        yield from variant_findings(target.variant, f"targets[{index}].variant", names)
        yield from attribute_findings(target.by, f"targets[{index}].by")
    yield from _of_rules(flag, names, among)
    for region, override in flag.regions:
        if override.default is not None:
            yield from serve_findings(override.default, f"regions.{region}.default", names, passes_on=False)


def segment_findings(segment: Segment, among: Surroundings) -> Iterator[Finding]:
    """Return everything that is wrong with a segment, in the order of its document."""
    if _patterns_in(rule.condition for rule in segment.rules) > MOST_PATTERNS:
        yield _TOO_MANY_PATTERNS
        return
    for word, members in (("included", segment.included), ("excluded", segment.excluded)):
        for index, each in enumerate(members):
            yield from attribute_findings(each.by, f"{word}[{index}].by")
    try:
        among.nesting.check_segment(segment)
    except ValueError as error:
        yield Finding("rules", str(error))
        return
    for index, rule in enumerate(segment.rules):
        yield from condition_findings(rule.condition, f"rules[{index}].if", among, lambda key: _fault(key, among))
        if rule.share is not None:
            yield from split_findings(rule.share, f"rules[{index}].share")


_TOO_MANY_PATTERNS: Final = Finding(
    "rules", f"match more than {MOST_PATTERNS} regular expressions; allowed are fewer: one may hold several, as in a|b"
)


def _patterns_in(conditions: Iterable[Condition]) -> int:
    """Count them before any is made ready."""
    return sum(len(clause.values) for clause in _clauses_in(conditions) if clause.operator is Operator.MATCHES)


def values_in(conditions: Iterable[Condition]) -> int:
    """Return with how many values conditions compare in all."""
    return sum(len(clause.values) for clause in _clauses_in(conditions))


def _clauses_in(conditions: Iterable[Condition]) -> Iterator[Clause]:
    """How deep conditions lie is not known yet, so this goes by no stack."""
    left = list(conditions)
    while left:
        match left.pop():
            case Clause() as clause:
                yield clause
            case All(inner) | AnyOf(inner):
                left.extend(inner)
            case Not(each):
                left.append(each)


def _of_variants(flag: Flag, names: tuple[VariantName, ...]) -> Iterator[Finding]:
    if len(set(names)) < len(names):
        yield Finding("variants", "has a name twice; allowed is each once")
    for variant in flag.variants:
        if not value_fits(variant.value, flag.type):
            yield Finding(f"variants.{variant.name}", f"is no value of a flag of type {flag.type}", breaks=False)


def value_fits(value: Json, kind: FlagType) -> bool:
    """Whether a variant of a flag of this type may have the value. Null stands for the application's own default."""
    if value is None:
        return True
    match kind:
        case FlagType.BOOLEAN:
            return isinstance(value, bool)
        case FlagType.STRING:
            return isinstance(value, str)
        case FlagType.INTEGER:
            return isinstance(value, int) and not isinstance(value, bool)
        case FlagType.NUMBER:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case FlagType.OBJECT:
            return isinstance(value, dict | list)


def _of_prerequisites(flag: Flag, among: Surroundings) -> Iterator[Finding]:
    try:
        among.nesting.check_prerequisites(flag)
    except ValueError as error:
        yield Finding("prerequisites", str(error))
    for index, prerequisite in enumerate(flag.prerequisites):
        yield from _of_prerequisite(prerequisite, f"prerequisites[{index}]", among)


def _of_prerequisite(prerequisite: Prerequisite, path: str, among: Surroundings) -> Iterator[Finding]:
    needed = among.flags.get(prerequisite.flag)
    if needed is None:
        yield Finding(f"{path}.flag", f"there is no flag {prerequisite.flag!r:.80}", breaks=False)
        return
    if not prerequisite.variants:
        yield Finding(f"{path}.variants", "names no variant, so that it is never met", breaks=False)
    names = {variant.name for variant in needed.variants}
    for index, variant in enumerate(prerequisite.variants):
        if variant not in names:
            message = f"{variant!r:.80} is no variant of {prerequisite.flag}"
            yield Finding(f"{path}.variants[{index}]", message, breaks=False)


def _of_rules(flag: Flag, names: tuple[VariantName, ...], among: Surroundings) -> Iterator[Finding]:
    ids: set[str] = set()
    for index, rule in enumerate(flag.rules):
        path = f"rules[{index}]"
        if rule.id in ids:
            yield Finding(
                f"{path}.id", f"{rule.id!r:.80} is the id of an earlier rule; allowed is each once", breaks=False
            )
        ids.add(rule.id)
        yield from _of_condition(rule.condition, f"{path}.if", among)
        yield from serve_findings(rule.serve, f"{path}.serve", names, passes_on=True)


def _of_condition(condition: Condition, path: str, among: Surroundings) -> Iterator[Finding]:
    try:
        among.nesting.check_condition(condition)
    except ValueError as error:
        yield Finding(path, str(error))
        return
    yield from condition_findings(condition, path, among, lambda key: _fault(key, among))


def _fault(key: SegmentKey, among: Surroundings) -> str | None:
    """Return why a segment cannot be asked. Each is looked at once; how deep it lies was checked before."""
    if key not in among.faults:
        among.faults[key] = _looked_at(key, among)
    return among.faults[key]


def _looked_at(key: SegmentKey, among: Surroundings) -> str | None:
    segment = among.segments.get(key)
    if segment is None:
        return f"there is no segment {key!r:.80}"
    broken = next((finding for finding in segment_findings(segment, among) if finding.breaks), None)
    return None if broken is None else f"the segment {key} is broken: {broken.problem}"


def _unchecked(_: str) -> Search:
    return lambda _: False
