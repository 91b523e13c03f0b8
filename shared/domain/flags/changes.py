"""Who would get another variant if a change were saved, over a sample of contexts."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from shared.domain.flags.attributes import Context
from shared.domain.flags.compile import Ruleset
from shared.domain.flags.evaluation import Evaluation
from shared.domain.names import FlagKey, VariantName

MOST_EXAMPLES = 5
"""Of each kind of change."""


@dataclass(frozen=True, slots=True)
class Example:
    """One of the contexts that get another variant."""

    context: Context
    before: Evaluation
    after: Evaluation


@dataclass(frozen=True, slots=True)
class Change:
    """How many of the sample go from one variant to another; the same on both sides are those who keep theirs."""

    before: VariantName
    after: VariantName
    count: int
    examples: tuple[Example, ...] = ()
    """A few, the first of the sample; none for those who keep their variant."""


def changes_of(
    key: FlagKey, before: Ruleset, after: Ruleset, contexts: Iterable[Context], *, now: float, region: str
) -> tuple[Change, ...]:
    """Return what becomes of a flag for a sample, the most frequent first.

    Both are asked at the same time in the same region. A flag that is in one of the two only has the variant `""` in
    the other one. What counts is the variant: who keeps it, though for another reason, keeps it.
    """
    counts: Counter[tuple[VariantName, VariantName]] = Counter()
    examples: dict[tuple[VariantName, VariantName], list[Example]] = {}
    for context in contexts:
        old = before.evaluate(key, context, now=now, region=region)
        new = after.evaluate(key, context, now=now, region=region)
        move = (old.variant, new.variant)
        counts[move] += 1
        shown = examples.setdefault(move, [])
        if old.variant != new.variant and len(shown) < MOST_EXAMPLES:
            shown.append(Example(context, old, new))
    return tuple(Change(*move, count, tuple(examples[move])) for move, count in counts.most_common())
