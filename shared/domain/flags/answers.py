"""The answers of a flag, each made once, and what serves them."""

from collections.abc import Callable
from typing import TypeAlias

from shared.domain.flags.attributes import Context, is_plain, reader
from shared.domain.flags.buckets import key_of, line_of, share_of, share_of_the_unplaced
from shared.domain.flags.evaluation import ErrorCode, Evaluation, Reason
from shared.domain.flags.model import BY_KEY, TARGETING_KEY, Flag, FlagType, Hashing, Json, Serve, Split
from shared.domain.names import FlagKey, VariantName

Answer: TypeAlias = Callable[[Context, float, str], Evaluation]
"""What somebody gets, at a time in seconds since 1970, in the region of the app that answers."""
PerhapsAnswer: TypeAlias = Callable[[Context, float, str], Evaluation | None]
"""The same; None: what stands below is asked."""

NOT_ON = frozenset({Reason.KILLED, Reason.OFF, Reason.OUTSIDE_SCHEDULE, Reason.ERROR})
"""A flag that answers so meets no prerequisite, whatever it serves."""
_GREATEST_FLOAT = 1 << 1023
"""A whole number beyond it is served as it is: it is no float, and one flag must not keep others from being made."""
NO_KEY = f"the context has no {TARGETING_KEY}, and this flag serves shares of its users"


class Answers:
    """Makes the answers of one flag."""

    def __init__(self, flag: Flag) -> None:
        self._key = flag.key
        self._off = flag.off
        self._metadata = flag.metadata
        self._values = {variant.name: _served(variant.value, flag.type) for variant in flag.variants}
        self.keyless = self.broken(NO_KEY, ErrorCode.TARGETING_KEY_MISSING)

    def served(self, variant: VariantName, reason: Reason, because: str = "") -> Evaluation:
        """Return the answer with this variant."""
        return Evaluation(self._key, variant, self._values.get(variant), reason, because, metadata=self._metadata)

    def off(self, reason: Reason, because: str = "") -> Evaluation:
        """Return the answer with the off variant."""
        return self.served(self._off, reason, because)

    def broken(self, why: str, error: ErrorCode) -> Evaluation:
        """Return the answer of a flag that cannot be evaluated; a value of null where even its off variant is gone."""
        return Evaluation(self._key, self._off, self._values.get(self._off), Reason.ERROR, why, error, self._metadata)

    def of_split(self, split: Split, because: str) -> tuple[Evaluation | None, ...]:
        """Return the answer of each share; None: these users are passed on."""
        return tuple(
            None if share.variant is None else self.served(share.variant, Reason.SPLIT, because)
            for share in split.shares
        )


def _served(value: Json, kind: FlagType) -> Json:
    """Return the value as clients get it: a number is a float, also where it was written as `1`.

    Clients that ask for a float take a whole number for the wrong type.
    """
    if kind is FlagType.NUMBER and isinstance(value, int) and not isinstance(value, bool):
        return float(value) if abs(value) <= _GREATEST_FLOAT else value
    return value


def broken(flag: Flag, why: str, error: ErrorCode) -> Evaluation:
    """Return the answer of a flag of which nothing can be asked: its off variant, and why."""
    values = {variant.name: variant.value for variant in flag.variants}
    return Evaluation(flag.key, flag.off, values.get(flag.off), Reason.ERROR, why, error, flag.metadata)


def unknown(key: FlagKey) -> Evaluation:
    """Return the answer of a flag that is not there."""
    return Evaluation(
        key, VariantName(""), None, Reason.ERROR, f"there is no flag {key!r:.80}", ErrorCode.FLAG_NOT_FOUND
    )


def of_rule(serve: Serve, rule: str, answers: Answers) -> Evaluation | PerhapsAnswer:
    """Return what a rule serves: always the same, or what is to be asked."""
    if not isinstance(serve, Split):
        return answers.served(serve, Reason.RULE, rule)
    return _of_split(serve, answers.of_split(serve, rule), answers.keyless, absent=None)


def of_default(serve: Serve, answers: Answers, *, reason: Reason) -> Answer:
    """Return what serves a default. The reason is for one variant; a split says that it is one.

    Each share of a default has a variant, or else the flag is broken.
    """
    if not isinstance(serve, Split):
        constant = answers.served(serve, reason)
        return lambda _context, _now, _region: constant
    shares = answers.of_split(serve, "")
    absent = shares[share_of_the_unplaced(serve)]
    return _of_split(serve, shares, answers.keyless, absent=absent)  # type: ignore[return-value]


def _of_split(
    split: Split, shares: tuple[Evaluation | None, ...], keyless: Evaluation, *, absent: Evaluation | None
) -> PerhapsAnswer:
    share_at, find = share_of(split), key_of(split)
    if split.hashing is Hashing.LAUNCHDARKLY:
        absent = shares[line_of(split).share_at(0)]
    elif split.by == BY_KEY:
        absent = keyless

    def placed(value: Json) -> Evaluation | None:
        key = find(value)
        return absent if key is None else shares[share_at(key)]

    if is_plain(split.by):
        [name] = split.by.path

        def plain(context: Context, _now: float, _region: str) -> Evaluation | None:
            value = context.get(name)
            return shares[share_at(value)] if value.__class__ is str else placed(value)

        return plain
    read = reader(split.by)
    return lambda context, _now, region: placed(read(context, region))
