"""Whether a condition holds for a context, told question by question."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from shared.domain.flags.attributes import Context, part_of_kind, reader
from shared.domain.flags.calendar import window_of
from shared.domain.flags.explain_splits import placed
from shared.domain.flags.explanation import Asked, Step
from shared.domain.flags.json_values import bucket_key
from shared.domain.flags.layers import layer_place
from shared.domain.flags.model import (
    All,
    AnyOf,
    Clause,
    Condition,
    During,
    InLayer,
    InSegment,
    Members,
    Not,
    Segment,
    SegmentRule,
    Split,
)
from shared.domain.flags.operators import holds
from shared.domain.flags.surroundings import Surroundings


@dataclass(frozen=True, slots=True)
class ConditionWalk:
    """Asks conditions in which no fault was found."""

    among: Surroundings
    context: Context
    now: float
    region: str

    def step(self, condition: Condition, path: str) -> Step:
        """Return the question that the condition is, with those in it."""
        match condition:
            case Clause():
                found = reader(condition.attribute)(self.context, self.region)
                outcome = holds(condition, found, self.among.search)
                words = ("not " if condition.negated else "") + condition.operator
                return Step(asked=Asked.CLAUSE, path=path, outcome=outcome, found=found, words=words)
            case InSegment():
                return self._in_segments(condition, path)
            case InLayer():
                return self._in_layer(condition, path)
            case During():
                return Step(asked=Asked.WINDOW, path=path, outcome=window_of(condition).holds(self.now))
            case All(conditions):
                steps = self._each(conditions, f"{path}.all")
                return Step(asked=Asked.ALL, path=path, outcome=all(each.outcome for each in steps), steps=steps)
            case AnyOf(conditions):
                steps = self._each(conditions, f"{path}.any")
                return Step(asked=Asked.ANY, path=path, outcome=any(each.outcome for each in steps), steps=steps)
            case Not(inner):
                step = self.step(inner, f"{path}.not")
                return Step(asked=Asked.NOT, path=path, outcome=not step.outcome, steps=(step,))
            case _:
                assert_never(condition)

    def _each(self, conditions: Sequence[Condition], path: str) -> tuple[Step, ...]:
        return tuple(self.step(each, f"{path}[{index}]") for index, each in enumerate(conditions))

    def _in_layer(self, layer: InLayer, path: str) -> Step:
        found = reader(layer.by)(self.context, self.region)
        key = bucket_key(found)
        place = None if key is None else layer_place(layer.layer)(key)
        outcome = place is not None and layer.since <= place < layer.until
        return Step(asked=Asked.LAYER, path=path, outcome=outcome, found=found, place=place, words=layer.layer)

    def _in_segments(self, condition: InSegment, path: str) -> Step:
        steps = tuple(self._in_segment(self.among.segments[key], path) for key in condition.segments)
        outcome = any(each.outcome for each in steps) is not condition.negated
        words = "not in any" if condition.negated else ""
        return Step(asked=Asked.ANY, path=path, outcome=outcome, words=words, steps=steps)

    def _in_segment(self, segment: Segment, path: str) -> Step:
        steps: list[Step] = []
        outcome = self._is_member(segment, steps)
        return Step(asked=Asked.SEGMENT, path=path, outcome=outcome, words=segment.key, steps=tuple(steps))

    def _is_member(self, segment: Segment, steps: list[Step]) -> bool:
        for word, listed in (("included", segment.included), ("excluded", segment.excluded)):
            for index, members in enumerate(listed):
                step = self._named(members, f"{word}[{index}]")
                steps.append(step)
                if step.outcome:
                    return word == "included"
        for index, rule in enumerate(segment.rules):
            step = self._segment_rule(rule, f"rules[{index}]")
            steps.append(step)
            if step.outcome:
                return True
        return False

    def _named(self, members: Members, path: str) -> Step:
        found = reader(members.by)(self.context, self.region)
        elements = found if isinstance(found, list) else [found]
        named = any(isinstance(each, str) and each in members.values for each in elements)
        return Step(asked=Asked.TARGET, path=path, outcome=named, found=found)

    def _segment_rule(self, rule: SegmentRule, path: str) -> Step:
        steps = [self.step(rule.condition, f"{path}.if")]
        outcome = steps[0].outcome
        if outcome and rule.share is not None:
            split, _ = placed(rule.share, f"{path}.share", self.context, self.region)
            steps.append(split)
            outcome = split.outcome and not self._lacks_kind(rule.share)
        return Step(asked=Asked.RULE, path=path, outcome=outcome, steps=tuple(steps))

    def _lacks_kind(self, split: Split) -> bool:
        """LaunchDarkly places who lacks an attribute at 0, but no member of a segment lacks its kind."""
        return split.by.kind is not None and part_of_kind(self.context, split.by.kind) is None
