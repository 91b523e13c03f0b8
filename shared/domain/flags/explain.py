"""Why a context gets what it gets, found by walking the model.

It shares nothing with the compiled flags but what a hash and a window are: a test holds the two to the same answers. It
asks everything inside a condition, also what the outcome does not hang on any more; of targets and rules it asks none
below the one that answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.domain.flags.answers import NOT_ON, Answers, unknown
from shared.domain.flags.attributes import Context, reader, region_of
from shared.domain.flags.buckets import share_of_the_unplaced
from shared.domain.flags.calendar import window_of
from shared.domain.flags.evaluation import ErrorCode, Evaluation, Reason
from shared.domain.flags.explain_conditions import ConditionWalk
from shared.domain.flags.explain_splits import placed
from shared.domain.flags.explanation import Asked, Explanation, Step
from shared.domain.flags.model import (
    BY_KEY,
    Flag,
    Hashing,
    RegionOverride,
    Rule,
    Segment,
    Serve,
    Split,
    Target,
)
from shared.domain.flags.operators import Regexes
from shared.domain.flags.problems import fault_of
from shared.domain.flags.surroundings import Surroundings
from shared.domain.names import FlagKey, SegmentKey


def explain(
    key: FlagKey,
    context: Context,
    flags: Mapping[FlagKey, Flag],
    segments: Mapping[SegmentKey, Segment],
    *,
    now: float,
    region: str,
    regexes: Regexes,
) -> Explanation:
    """Return what this context gets of a flag, and every question that led to it."""
    return _Walk(Surroundings(flags, segments, regexes), context, now, region).flag(key)


@dataclass(frozen=True, slots=True)
class _Walk:
    among: Surroundings
    context: Context
    now: float
    region: str

    def flag(self, key: FlagKey) -> Explanation:
        flag = self.among.flags.get(key)
        if flag is None:
            return Explanation(unknown(key), ())
        steps: list[Step] = []
        return Explanation(self._answer(flag, Answers(flag), steps), tuple(steps))

    def _answer(self, flag: Flag, answers: Answers, steps: list[Step]) -> Evaluation:
        """Ask in the order of the model; the first answer stands."""
        steps.append(Step(asked=Asked.KILL_SWITCH, path="killed", outcome=flag.killed))
        if flag.killed:
            return answers.off(Reason.KILLED)
        override = self._override(flag)
        enabled = flag.enabled if override.enabled is None else override.enabled
        steps.append(Step(asked=Asked.ENABLED, path="enabled", outcome=enabled, words=self._here))
        if not enabled:
            return answers.off(Reason.OFF)
        fault = fault_of(flag, self.among)
        if fault is not None:
            steps.append(Step(asked=Asked.SOUND, path="", outcome=False, words=fault))
            return answers.broken(fault, ErrorCode.PARSE_ERROR)
        return (
            self._schedule(flag, answers, steps)
            or self._prerequisites(flag, answers, steps)
            or self._targets(flag, answers, steps)
            or self._rules(flag, answers, steps)
            or self._default(flag, override, answers, steps)
        )

    @property
    def _here(self) -> str:
        return region_of(self.context, self.region)

    def _override(self, flag: Flag) -> RegionOverride:
        return next((override for region, override in flag.regions if region == self._here), RegionOverride())

    def _schedule(self, flag: Flag, answers: Answers, steps: list[Step]) -> Evaluation | None:
        if flag.schedule is None:
            return None
        inside = window_of(flag.schedule).holds(self.now)
        steps.append(Step(asked=Asked.SCHEDULE, path="schedule", outcome=inside))
        return None if inside else answers.off(Reason.OUTSIDE_SCHEDULE)

    def _prerequisites(self, flag: Flag, answers: Answers, steps: list[Step]) -> Evaluation | None:
        for index, prerequisite in enumerate(flag.prerequisites):
            found = self.flag(prerequisite.flag)
            served = found.evaluation
            met = served.variant in prerequisite.variants and served.reason not in NOT_ON
            steps.append(
                Step(
                    asked=Asked.PREREQUISITE,
                    path=f"prerequisites[{index}]",
                    outcome=met,
                    found=served.variant,
                    words=prerequisite.flag,
                    steps=found.steps,
                )
            )
            if served.error is ErrorCode.TARGETING_KEY_MISSING:
                return answers.keyless
            if not met:
                return answers.off(Reason.PREREQUISITE, prerequisite.flag)
        return None

    def _targets(self, flag: Flag, answers: Answers, steps: list[Step]) -> Evaluation | None:
        for index, target in enumerate(flag.targets):
            step = self._target(target, f"targets[{index}]")
            steps.append(step)
            if step.outcome:
                return answers.served(target.variant, Reason.TARGET)
        return None

    def _target(self, target: Target, path: str) -> Step:
        found = reader(target.by)(self.context, self.region)
        elements = found if isinstance(found, list) else [found]
        named = any(isinstance(each, str) and each in target.values for each in elements)
        return Step(asked=Asked.TARGET, path=path, outcome=named, found=found, words=target.variant)

    def _rules(self, flag: Flag, answers: Answers, steps: list[Step]) -> Evaluation | None:
        for index, rule in enumerate(flag.rules):
            path = f"rules[{index}]"
            inner = [self._condition(rule, path)]
            served = self._serve_of_rule(rule, path, answers, inner) if inner[0].outcome else None
            steps.append(
                Step(asked=Asked.RULE, path=path, outcome=served is not None, words=rule.id, steps=tuple(inner))
            )
            if served is not None:
                return served
        return None

    def _condition(self, rule: Rule, path: str) -> Step:
        walk = ConditionWalk(self.among, self.context, self.now, self.region)
        return walk.step(rule.condition, f"{path}.if")

    def _serve_of_rule(self, rule: Rule, path: str, answers: Answers, inner: list[Step]) -> Evaluation | None:
        if not isinstance(rule.serve, Split):
            return answers.served(rule.serve, Reason.RULE, rule.id)
        step, index = placed(rule.serve, f"{path}.serve.split", self.context, self.region)
        inner.append(step)
        if index is None:
            return answers.keyless if _needs_key(rule.serve) else None
        return answers.of_split(rule.serve, rule.id)[index]

    def _default(self, flag: Flag, override: RegionOverride, answers: Answers, steps: list[Step]) -> Evaluation:
        path = "default" if override.default is None else f"regions.{self._here}.default"
        serve = flag.default if override.default is None else override.default
        inner: list[Step] = []
        served = self._serve_of_default(serve, path, flag, answers, inner)
        is_served = served.error is None
        steps.append(Step(asked=Asked.DEFAULT, path=path, outcome=is_served, words=served.variant, steps=tuple(inner)))
        return served

    def _serve_of_default(self, serve: Serve, path: str, flag: Flag, answers: Answers, inner: list[Step]) -> Evaluation:
        if not isinstance(serve, Split):
            depends = flag.rules or flag.targets or flag.prerequisites or flag.schedule or flag.regions
            return answers.served(serve, Reason.DEFAULT if depends else Reason.STATIC)
        step, index = placed(serve, f"{path}.split", self.context, self.region)
        inner.append(step)
        if index is None and _needs_key(serve):
            return answers.keyless
        served = answers.of_split(serve, "")[share_of_the_unplaced(serve) if index is None else index]
        assert served is not None, "a share of a default that passes on is a fault, which was looked for"
        return served


def _needs_key(split: Split) -> bool:
    return split.by == BY_KEY and split.hashing is not Hashing.LAUNCHDARKLY
