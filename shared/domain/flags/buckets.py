"""Where a user stands on the line of a split, and which share that is, in the way of each product.

| way | what is hashed | the line |
|---|---|---|
| Slipway | `<seed>/<value>`, SHA-1, the first 8 bytes | 2^64 places, in exact integers |
| LaunchDarkly | `<seed>.<value>`, SHA-1, the first 15 hex digits | floats |
| Microsoft | `<value>\\n<seed>`, SHA-256, the first 4 bytes, the least first | percent in floats |
| flagd 1 | `<seed><value>`, murmur3-32 as a signed number without its sign | percent in floats |
| flagd 2 | `<seed><value>`, murmur3-32 | the sum of the weights |
| flagd 3 | CBOR of `[<seed>, <value>]`, of `<seed><value>` where that is no targeting key, murmur3-32 | the same |

What places a user is a text or a whole number. flagd takes texts alone, but where it puts them together with a seed;
without one flagd 3 takes all that JSON can say but a list.

The seed is LaunchDarkly's `<key>.<salt>`, or the rollout's own; Microsoft's `<flag>`, `<flag>\\n<group>` or the seed of
the allocation; flagd's key of the flag.
With an empty seed flagd hashes the value alone, in version 3 as it came: a number is not its digits there. The
arithmetic is each product's own, floats included, so that nobody changes sides by a rounding.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha1, sha256
from math import inf, isfinite
from typing import TypeAlias

from shared.domain.flags.cbor import cbor
from shared.domain.flags.json_values import bucket_key
from shared.domain.flags.model import BY_KEY, WHOLE, Hashing, Json, Split
from shared.domain.flags.murmur import murmur3

Place: TypeAlias = int | float
"""A point on the line of a split."""
PlaceOf: TypeAlias = Callable[[Json], Place]
"""From what `key_of` finds, which is not null."""
KeyOf: TypeAlias = Callable[[Json], Json]
"""From the value of an attribute to what a user's place is taken from; None: it places nobody."""

_LINE = 1 << 64
_LAUNCHDARKLY_LINE = float(0xFFFFFFFFFFFFFFF)
_MICROSOFT_LINE = 2**32 - 1
_FLAGD_1_LINE = 2**31 - 1
_INTEGERS = 1 << 64
_DEEPEST = 40
"""So deep lists and objects may lie in one another where they place a user."""
_ABOVE_ALL = b"\xff" * 21
"""Greater than any SHA-1, which has 20 bytes."""


@dataclass(frozen=True, slots=True)
class Line:
    """The line of a split: what a user's place on it is, and where each share ends."""

    place_of: PlaceOf
    ends: tuple[Place, ...]
    """Of each share, in their order; a share has the places below its end."""
    length: Place
    """Where the line ends."""

    def share_at(self, place: Place) -> int:
        """Return the index of the share that has this place; one beyond the last share is the last's."""
        return min(bisect_right(self.ends, place), len(self.ends) - 1)


def key_of(split: Split) -> KeyOf:
    """Return what finds a user's key in the value of the attribute that the split divides by."""
    match split.hashing:
        case Hashing.FLAGD_3 if not split.seed:
            return _of_any_kind
        case Hashing.FLAGD_1 | Hashing.FLAGD_2 | Hashing.FLAGD_3 if split.by == BY_KEY or not split.seed:
            return _text
    return bucket_key


def _of_any_kind(value: Json) -> Json:
    """Return the value as flagd 3 hashes it, None where it cannot.

    That is a list, which it takes for a share, a number that JSON has not, and what lies too deep in itself.
    """
    return _as_hashed(value) if not isinstance(value, list) and _is_hashed(value, _DEEPEST) else None


def _is_hashed(value: Json, levels: int) -> bool:
    if isinstance(value, float):
        return isfinite(value)
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return not inside or (levels > 0 and all(_is_hashed(each, levels - 1) for each in inside))


def _as_hashed(value: Json) -> Json:
    """Return the value where a float that is whole, and fits into 64 bits, is a whole number."""
    match value:
        case float():
            return int(value) if value.is_integer() and -_INTEGERS // 2 <= value < _INTEGERS else value
        case list():
            return [_as_hashed(each) for each in value]
        case dict():
            return {name: _as_hashed(each) for name, each in value.items()}
    return value


def _text(value: Json) -> Json:
    return value if isinstance(value, str) else None


def share_of(split: Split) -> Callable[[Json], int]:
    """Return the function from a user to the index of the share that the user has: `Line` in one quick step."""
    if split.hashing is not Hashing.SLIPWAY:
        line = line_of(split)
        return lambda key: line.share_at(line.place_of(key))
    # Bytes compare as the numbers that they write, so the hash need not be made into one. The last end is left out:
    # what is beyond the others is the last share's.
    places = map(_slipway_end, _running([share.weight for share in split.shares[:-1]]))
    ends = [_ABOVE_ALL if place >= _LINE else place.to_bytes(8, "big") for place in places]
    copy = sha1(_bytes(f"{split.seed}/"), usedforsecurity=False).copy

    def share(key: Json) -> int:
        hashed = copy()
        hashed.update(f"{key}".encode("utf-8", "surrogatepass"))
        return bisect_right(ends, hashed.digest())

    return share


def share_of_the_unplaced(split: Split) -> int:
    """Return the index of the share that a default gives to who has no place on the line: the last that has anybody."""
    return max((index for index, share in enumerate(split.shares) if share.weight > 0), default=len(split.shares) - 1)


def line_of(split: Split) -> Line:
    """Return the line of a split, which has one share at least and no negative weight."""
    weights = [share.weight for share in split.shares]
    ends = _running(weights)
    total = sum(weights)
    match split.hashing:
        case Hashing.SLIPWAY:
            return Line(slipway_place(split.seed), tuple(_slipway_end(end) for end in ends), _LINE)
        case Hashing.LAUNCHDARKLY:
            return Line(_launchdarkly(split.seed), tuple(_running([weight / WHOLE for weight in weights])), 1.0)
        case Hashing.MICROSOFT:
            return Line(_microsoft(split.seed), tuple(_microsoft_end(end) for end in ends), 100.0)
        case Hashing.FLAGD_1:
            percents = [weight * 100 / (total or 1) for weight in weights]
            return Line(_flagd_1(split.seed), tuple(_running(percents)), 100.0)
        case Hashing.FLAGD_2:
            return Line(_flagd_2(split.seed, total), tuple(ends), total)
        case Hashing.FLAGD_3:
            return Line(_flagd_3(split, total), tuple(ends), total)


def slipway_place(seed: str) -> Callable[[Json], int]:
    """Return the function from a user to its place, below 2^64: our own way, and that of the layers."""
    begun = sha1(_bytes(f"{seed}/"), usedforsecurity=False)

    def place(key: Json) -> int:
        hashed = begun.copy()
        hashed.update(f"{key}".encode("utf-8", "surrogatepass"))
        return int.from_bytes(hashed.digest()[:8], "big")

    return place


def _slipway_end(end: Place) -> int:
    """Round up: the places below it are the fractions below `end / WHOLE`."""
    return -(-int(end) * _LINE // WHOLE)


def _bytes(text: str) -> bytes:
    """JSON can hold half a surrogate pair, which is no reason to fail."""
    return text.encode("utf-8", "surrogatepass")


def _running(weights: Sequence[Place]) -> list[Place]:
    total: Place = 0
    ends = []
    for weight in weights:
        total += weight
        ends.append(total)
    return ends


def _launchdarkly(seed: str) -> PlaceOf:
    begun = sha1(_bytes(f"{seed}."), usedforsecurity=False)

    def place(key: Json) -> float:
        hashed = begun.copy()
        hashed.update(_bytes(f"{key}"))
        return (int.from_bytes(hashed.digest()[:8], "big") >> 4) / _LAUNCHDARKLY_LINE

    return place


def _microsoft(seed: str) -> PlaceOf:
    def place(key: Json) -> float:
        digest = sha256(_bytes(f"{key}\n{seed}"), usedforsecurity=False).digest()
        return int.from_bytes(digest[:4], "little") / _MICROSOFT_LINE * 100

    return place


def _microsoft_end(end: Place) -> Place:
    """Everybody is everybody: 100 % takes the last place of all too."""
    return end * 100 / WHOLE if end < WHOLE else inf


def _flagd_1(seed: str) -> PlaceOf:
    def place(key: Json) -> float:
        hashed = murmur3(_bytes(f"{seed}{key}"))
        signed = hashed - (1 << 32) if hashed >> 31 else hashed
        return abs(signed) / _FLAGD_1_LINE * 100

    return place


def _flagd_2(seed: str, total: int) -> PlaceOf:
    return lambda key: (murmur3(_bytes(f"{seed}{key}")) * total) >> 32


def _flagd_3(split: Split, total: int) -> PlaceOf:
    seed, is_pair = split.seed, split.by == BY_KEY and bool(split.seed)

    def place(key: Json) -> int:
        if is_pair:
            return (murmur3(cbor([seed, f"{key}"])) * total) >> 32
        return (murmur3(cbor(f"{seed}{key}" if seed else key)) * total) >> 32

    return place
