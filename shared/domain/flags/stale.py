"""Flags whose time has come to be taken out of the code."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.domain.flags.model import Flag, RegionOverride, Serve, Split
from shared.domain.names import VariantName


class Staleness(StrEnum):
    """Why a flag is stale."""

    ONE_VARIANT = "one-variant"
    """It has served one variant to everybody for long: the code can have that alone."""
    EXPIRED = "expired"
    """Past the date that its owner gave it."""
    NOT_EVALUATED = "not-evaluated"
    """Nobody has asked for it for long: no code may have it any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a flag may stand as it is."""

    unchanged: timedelta = timedelta(days=30)
    """How long it may serve one variant to everybody."""
    unasked: timedelta = timedelta(days=14)
    """How long it may go without being asked for."""


@dataclass(frozen=True, slots=True)
class Stale:
    """One reason to take a flag out, and since when it holds."""

    why: Staleness
    since: datetime
    variant: VariantName | None = None
    """What everybody gets, where that is the reason."""


def staleness_of(
    flag: Flag, *, changed: datetime, evaluated: datetime | None, now: datetime, patience: Patience | None = None
) -> tuple[Stale, ...]:
    """Return every reason why a flag is stale.

    `changed` is when it last was, `evaluated` when it was last asked for, None where it never was: then its last change
    is where the time without a question begins.
    """
    patience = patience or Patience()
    found = []
    variant = only_variant(flag)
    if variant is not None and now - changed >= patience.unchanged:
        found.append(Stale(Staleness.ONE_VARIANT, changed, variant))
    if flag.expires is not None and now >= flag.expires:
        found.append(Stale(Staleness.EXPIRED, flag.expires))
    asked = changed if evaluated is None else max(evaluated, changed)
    if now - asked >= patience.unasked:
        found.append(Stale(Staleness.NOT_EVALUATED, asked))
    return tuple(found)


def only_variant(flag: Flag) -> VariantName | None:
    """Return the variant that everybody gets everywhere and always, None where there may be several.

    A kill switch is no lasting state: of a flag that is killed the question is what it would serve without.
    """
    served = {variant for _, override in flag.regions for variant in _everywhere(flag, override)}
    served.update(_everywhere(flag, RegionOverride()))
    return served.pop() if len(served) == 1 else None


def _everywhere(flag: Flag, override: RegionOverride) -> set[VariantName]:
    """Return all that a region may serve, as far as that can be seen without a context."""
    enabled = flag.enabled if override.enabled is None else override.enabled
    if not enabled:
        return {flag.off}
    served = _served(flag.default if override.default is None else override.default)
    served.update(target.variant for target in flag.targets if target.values)
    for rule in flag.rules:
        served |= _served(rule.serve)
    if flag.schedule is not None or flag.prerequisites:
        served.add(flag.off)
    return served


def _served(serve: Serve) -> set[VariantName]:
    if not isinstance(serve, Split):
        return {serve}
    return {share.variant for share in serve.shares if share.variant is not None and share.weight > 0}
