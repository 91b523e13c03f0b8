"""Where a user stands on the line of a split, told."""

from shared.domain.flags.attributes import Context, reader
from shared.domain.flags.buckets import Place, key_of, line_of
from shared.domain.flags.explanation import Asked, Step
from shared.domain.flags.model import WHOLE, Hashing, Split


def placed(split: Split, path: str, context: Context, region: str) -> tuple[Step, int | None]:
    """Return the step, and the index of the user's share; None where nothing places the user."""
    line = line_of(split)
    found = reader(split.by)(context, region)
    key = key_of(split)(found)
    place: Place | None = None if key is None else line.place_of(key)
    if place is None and split.hashing is Hashing.LAUNCHDARKLY:
        place = 0
    index = None if place is None else line.share_at(place)
    variant = None if index is None else split.shares[index].variant
    step = Step(
        asked=Asked.SPLIT,
        path=path,
        outcome=variant is not None,
        found=found,
        place=None if place is None else place * WHOLE / line.length,
        words=variant or "",
    )
    return step, index
