"""Flags, made into functions that are quick to ask: each once after a change, when it is first asked for.

What a flag serves is made when it is compiled, and the same `Evaluation` is given to everybody who gets it. A flag that
is broken answers alone for itself; no other flag notices, save one that needs it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from weakref import proxy

from shared.domain.flags.answers import NOT_ON, Answer, Answers, PerhapsAnswer, broken, of_default, of_rule, unknown
from shared.domain.flags.attributes import Context, reader, region_of
from shared.domain.flags.calendar import Window
from shared.domain.flags.conditions import Conditions, SegmentTest, Test, texts_of
from shared.domain.flags.evaluation import ErrorCode, Evaluation, Reason
from shared.domain.flags.model import (
    All,
    AnyOf,
    Attribute,
    Condition,
    Flag,
    InSegment,
    Not,
    Prerequisite,
    Rule,
    Segment,
    Serve,
    Target,
)
from shared.domain.flags.operators import Regexes
from shared.domain.flags.problems import fault_of
from shared.domain.flags.surroundings import Surroundings
from shared.domain.names import FlagKey, SegmentKey, VariantName


class Ruleset:
    """The flags of one environment, ready to be asked. What it answers never changes; safe to share among threads.

    A flag is compiled when it is first asked for. Threads that ask for it at the same time may each do so, and have
    the same.
    """

    __slots__ = ("_every", "_programs")

    def __init__(self, programs: "_Programs") -> None:
        self._programs = programs
        self._every: tuple[Answer, ...] | None = None

    def evaluate(self, key: FlagKey, context: Context, *, now: float, region: str) -> Evaluation:
        """Return what this context gets of a flag. A flag that is not there is an answer too."""
        return self._programs[key](context, now, region)

    def evaluate_all(self, context: Context, *, now: float, region: str) -> tuple[Evaluation, ...]:
        """Return what this context gets of every flag, in the order of the flags."""
        return tuple([program(context, now, region) for program in self._all()])

    def __len__(self) -> int:
        """Return how many flags there are."""
        return len(self._programs.among.flags)

    @property
    def uncompiled(self) -> int:
        """How many flags nobody asked for yet."""
        return 0 if self._every is not None else len(self) - len(self._programs)

    @property
    def windows(self) -> frozenset[Window]:
        """All time windows that an answer may depend on. Every flag is compiled for this."""
        self._all()
        return frozenset().union(*self._programs.windows.copy().values())

    @property
    def alone(self) -> Mapping[FlagKey, "Alone"]:
        """Those of the compiled flags that need no other flag and no segment."""
        return self._programs.alone.copy()

    def _all(self) -> tuple[Answer, ...]:
        if self._every is None:
            self._every = tuple([self._programs[key] for key in self._programs.among.flags])
        return self._every


@dataclass(frozen=True, slots=True)
class Alone:
    """A flag that needs nothing but itself: compiled, it is good for as long as the flag is the same."""

    flag: Flag
    program: Answer
    windows: frozenset[Window]


class _Programs(dict[FlagKey, Answer]):
    """The programs of an environment, each made when it is first looked up.

    No lock is needed: the same flag makes the same program, and whatever is stored is stored in one step of `dict`.
    """

    def __init__(self, among: Surroundings, earlier: Mapping[FlagKey, Alone]) -> None:
        kept = {key: each for key, each in earlier.items() if among.flags.get(key) is each.flag}
        super().__init__({key: each.program for key, each in kept.items()})
        self.among = among
        self.alone = kept
        self.windows = {key: each.windows for key, each in kept.items() if each.windows}
        self._segments: dict[SegmentKey, SegmentTest] = {}

    def __missing__(self, key: FlagKey) -> Answer:
        flag = self.among.flags.get(key)
        if flag is None:  # and nothing is remembered of keys that anybody may think of
            return _always(unknown(key))
        conditions = Conditions(self.among, self._segments)
        program = self._made(flag, conditions)
        windows = frozenset(conditions.windows)
        if windows:
            self.windows[key] = windows
        if _is_alone(flag):
            self.alone[key] = Alone(flag, program, windows)
        return self.setdefault(key, program)

    def _made(self, flag: Flag, conditions: Conditions) -> Answer:
        try:
            return _Program(flag, fault_of(flag, self.among), conditions, proxy(self)).answer()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a flag, the others are asked all the same
            return _always(broken(flag, f"it cannot be made ready: {error!r:.200}", ErrorCode.GENERAL))


def compile_flags(
    flags: Iterable[Flag], segments: Iterable[Segment], *, regexes: Regexes, earlier: Ruleset | None = None
) -> Ruleset:
    """Return the flags ready to be asked, as `ruleset_of`. Of two with the same key the later one stands."""
    by_key, by_name = {flag.key: flag for flag in flags}, {segment.key: segment for segment in segments}
    return ruleset_of(by_key, by_name, regexes=regexes, earlier=earlier)


def ruleset_of(
    flags: Mapping[FlagKey, Flag],
    segments: Mapping[SegmentKey, Segment],
    *,
    regexes: Regexes,
    earlier: Ruleset | None = None,
) -> Ruleset:
    """Return the flags ready to be asked. A flag and a segment are taken from the mappings when they are first needed.

    `regexes` makes the search of a pattern, and raises ValueError where it cannot. With an `earlier` ruleset of the
    same regexes, those of its flags that are here as the same objects, and need no other flag and no segment, are taken
    over as far as they were compiled.
    """
    return Ruleset(_Programs(Surroundings(flags, segments, regexes), {} if earlier is None else earlier.alone))


def _is_alone(flag: Flag) -> bool:
    return not flag.prerequisites and not any(_asks_segments(rule.condition) for rule in flag.rules)


def _asks_segments(condition: Condition) -> bool:
    """Conditions that nest too deep make a flag that is broken, so this does not go by the stack."""
    left = [condition]
    while left:
        match left.pop():
            case InSegment():
                return True
            case All(inner) | AnyOf(inner):
                left.extend(inner)
            case Not(each):
                left.append(each)
    return False


def next_boundary(ruleset: Ruleset, now: float) -> float | None:
    """Return when, after `now`, time alone may next change an answer; None: it never will."""
    moments = [moment for window in ruleset.windows if (moment := window.next_change(now)) is not None]
    return min(moments, default=None)


@dataclass(frozen=True, slots=True)
class _Program:
    """One flag that is being compiled: from the last question that is asked of it to the first."""

    flag: Flag
    fault: str | None
    conditions: Conditions
    programs: Mapping[FlagKey, Answer]
    """Those of all flags. Programs are in there themselves, so they hold it by no count: no circle keeps it alive."""

    def answer(self) -> Answer:
        flag, answers = self.flag, Answers(self.flag)
        if flag.killed:
            return _always(answers.off(Reason.KILLED))
        above = self._above(answers)
        general = self._enabled(answers, flag.default, above, enabled=flag.enabled)
        if not flag.regions:
            return general
        by_region = {
            region: self._enabled(
                answers,
                flag.default if override.default is None else override.default,
                above,
                enabled=flag.enabled if override.enabled is None else override.enabled,
            )
            for region, override in reversed(flag.regions)
        }
        return _by_region(by_region, general)

    def _enabled(
        self, answers: Answers, default: Serve, above: "Callable[[Answer], Answer]", *, enabled: bool
    ) -> Answer:
        if not enabled:
            return _always(answers.off(Reason.OFF))
        if self.fault is not None:
            return _always(answers.broken(self.fault, ErrorCode.PARSE_ERROR))
        return above(of_default(default, answers, reason=Reason.STATIC if is_static(self.flag) else Reason.DEFAULT))

    def _above(self, answers: Answers) -> "Callable[[Answer], Answer]":
        """Return what puts everything that stands above the default around one."""
        flag = self.flag
        if self.fault is not None:
            return lambda default: default
        rules = [_rule(rule, self.conditions, answers) for rule in flag.rules]
        tables = _tables(flag.targets, answers)
        needs = [_need(each, answers) for each in flag.prerequisites]
        window = None if flag.schedule is None else self.conditions.window(flag.schedule)
        outside = answers.off(Reason.OUTSIDE_SCHEDULE)

        def around(default: Answer) -> Answer:
            answer = _with_rules(rules, default) if rules else default
            answer = _with_targets(tables, answer) if tables else answer
            answer = _with_prerequisites(needs, answers.keyless, self.programs, answer) if needs else answer
            return answer if window is None else _with_schedule(window, outside, answer)

        return around


def is_static(flag: Flag) -> bool:
    """Whether everybody gets the same, always and everywhere, as long as the flag is not changed."""
    return not (flag.rules or flag.targets or flag.prerequisites or flag.schedule or flag.regions)


def _always(answer: Evaluation) -> Answer:
    return lambda _context, _now, _region: answer


def _by_region(by_region: Mapping[str, Answer], general: Answer) -> Answer:
    def answer(context: Context, now: float, region: str) -> Evaluation:
        return by_region.get(region_of(context, region), general)(context, now, region)

    return answer


def _with_schedule(window: Window, outside: Evaluation, inner: Answer) -> Answer:
    return lambda context, now, region: inner(context, now, region) if window.holds(now) else outside


_Need = tuple[FlagKey, frozenset[VariantName], Evaluation]


def _need(prerequisite: Prerequisite, answers: Answers) -> _Need:
    failed = answers.off(Reason.PREREQUISITE, prerequisite.flag)
    return prerequisite.flag, frozenset(prerequisite.variants), failed


def _with_prerequisites(
    needs: Sequence[_Need], keyless: Evaluation, programs: Mapping[FlagKey, Answer], inner: Answer
) -> Answer:
    """The programs are those of all flags, each of which is compiled when it is first asked for."""

    def answer(context: Context, now: float, region: str) -> Evaluation:
        for key, wanted, failed in needs:
            found = programs[key](context, now, region)
            if found.error is ErrorCode.TARGETING_KEY_MISSING:
                return keyless
            if found.variant not in wanted or found.reason in NOT_ON:
                return failed
        return inner(context, now, region)

    return answer


_Table = tuple[Attribute, dict[str, tuple[int, Evaluation]]]


def _tables(targets: Sequence[Target], answers: Answers) -> list[_Table]:
    """Return tables of who gets what: one for each run of targets that look at the same attribute."""
    tables: list[_Table] = []
    for index, target in enumerate(targets):
        if not tables or tables[-1][0] != target.by:
            tables.append((target.by, {}))
        found = (index, answers.served(target.variant, Reason.TARGET))
        for value in target.values:
            tables[-1][1].setdefault(value, found)
    return tables


def _with_targets(tables: Sequence[_Table], inner: Answer) -> Answer:
    read = [(reader(attribute), table) for attribute, table in tables]

    def answer(context: Context, now: float, region: str) -> Evaluation:
        for find, table in read:
            found = [table[text] for text in texts_of(find(context, region)) if text in table]
            if found:
                return min(found, key=lambda each: each[0])[1]
        return inner(context, now, region)

    return answer


def _rule(rule: Rule, conditions: Conditions, answers: Answers) -> tuple[Test, Evaluation | None, PerhapsAnswer]:
    test, served = conditions.test_of(rule.condition), of_rule(rule.serve, rule.id, answers)
    if isinstance(served, Evaluation):
        return test, served, _always(served)
    return test, None, served


def _with_rules(rules: Sequence[tuple[Test, Evaluation | None, PerhapsAnswer]], inner: Answer) -> Answer:
    def answer(context: Context, now: float, region: str) -> Evaluation:
        for test, constant, ask in rules:
            if test(context, now, region):
                served = constant or ask(context, now, region)
                if served is not None:
                    return served
        return inner(context, now, region)

    return answer
