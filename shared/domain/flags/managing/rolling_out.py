"""Which variants a rollout moves users between, what is in the way of that, and which version each stands for.

A variant is no build: a rollout of version 7 may give `on` to everybody, and the version before it knew the flag as
`off`. So a flag remembers of each split which version its variant was last rolled out as, and whose place it took:
that is where a return goes back to, whatever name the other targets have for the version before.
"""

from dataclasses import dataclass

from shared.domain.errors import RejectedError
from shared.domain.flags.managing.driving import killed_in_words, weight_in
from shared.domain.flags.managing.serves import override_of, serve_of
from shared.domain.flags.managing.state import FlagState
from shared.domain.flags.model import Flag, Serve, Split
from shared.domain.flags.split_names import SplitName
from shared.domain.names import RolloutId, VariantName, Version


@dataclass(frozen=True, slots=True, kw_only=True)
class RollingOut:
    """What a rollout wants of a split."""

    rollout: RolloutId
    version: Version
    variant: VariantName | None
    """The variant that its spec names; None: the version names it."""
    returns: bool
    """Whether it brings back the version before the last one."""


@dataclass(frozen=True, slots=True)
class Variants:
    """The two that a rollout moves users between; the same one twice where its version is served already."""

    stable: VariantName
    candidate: VariantName


def find_variants(state: FlagState, split: SplitName, wanted: RollingOut) -> Variants:
    """Return the variant that has the most users, and the one to be rolled out.

    Raises `RejectedError`, with the fix, where that cannot be, or not by this rollout.
    """
    flag = _on(state, split, wanted)
    serve = serve_of(flag, split.rule, split.region)
    if serve is None:
        there = ", ".join(rule.id for rule in flag.rules) or "none"
        raise RejectedError(f"{split.in_words} is not there; its rules are: {there}")
    driver = state.driver_of(split.rule, split.region)
    if driver is not None and driver.rollout == wanted.rollout:
        return Variants(driver.stable, driver.candidate)
    if driver is not None:
        raise RejectedError(f"rollout {driver.rollout} drives {split.in_words}: end it first")
    stable = _most(split, serve)
    candidate = _candidate(state, flag, split, wanted, stable)
    others = [name for name in _served(split, serve) if name not in (stable, candidate)]
    if others:
        raise RejectedError(
            f"{split.in_words} serves {', '.join(others)} too, beside {stable} and {candidate}: a rollout moves users "
            "between two variants, so take the others out of the split first"
        )
    return Variants(stable, candidate)


def lacking(state: FlagState, split: SplitName, variant: VariantName | None) -> str | None:
    """Return what a spec names that is not there: the flag, its rule, or the variant; None where all of it is."""
    flag = state.live
    if flag is None:
        return f"flag {split.environment}/{split.flag} is not there"
    if serve_of(flag, split.rule, split.region) is None:
        return f"{split.in_words} is not there"
    if variant is not None and not has_variant(state, variant):
        return f"flag {split.environment}/{split.flag} has no variant {variant}"
    return None


def version_of(state: FlagState, split: SplitName, variant: VariantName) -> Version:
    """Return what a variant stands for in a split: what it was rolled out as, is being so, or else its own name."""
    driver = state.driver_of(split.rule, split.region)
    if driver is not None and driver.candidate == variant:
        return driver.version or Version(variant)
    last = state.rolled_out_in(split.rule, split.region)
    known = last.version if last is not None and last.variant == variant else None
    return known or Version(variant)


def share_in(state: FlagState, split: SplitName, variant: VariantName) -> int:
    """Return the share of a variant, in 1/100,000 of all that the split gives. Raises `RejectedError` without one."""
    serve = serve_of(state.live, split.rule, split.region) if state.live is not None else None
    if serve is None:
        raise RejectedError(f"{split.in_words} is not there any more")
    return weight_in(serve, variant)


def has_variant(state: FlagState, variant: VariantName) -> bool:
    """Whether the flag is there, and has this variant."""
    return state.live is not None and any(each.name == variant for each in state.live.variants)


def _on(state: FlagState, split: SplitName, wanted: RollingOut) -> Flag:
    """Return the flag if it serves what its split says. A way back does not wait for that."""
    flag, name = state.live, f"flag {split.environment}/{split.flag}"
    if flag is None:
        fix = "it is archived: save it again" if state.archived else "it is not there: save it first"
        raise RejectedError(f"{name}: {fix}")
    if wanted.returns:
        return flag
    if flag.killed:
        raise RejectedError(f"{name}: {killed_in_words(state)}; revive it first")
    here = override_of(flag, split.region).enabled if split.region is not None else None
    if not (flag.enabled if here is None else here):
        raise RejectedError(f"{name}: it is off, so nobody gets what is rolled out: set enabled first")
    return flag


def _served(split: SplitName, serve: Serve) -> tuple[VariantName, ...]:
    if not isinstance(serve, Split):
        return (serve,)
    shares = [share for share in serve.shares if share.weight > 0]
    if any(share.variant is None for share in shares):
        raise RejectedError(f"{split.in_words} passes some users on to what stands below: give each share a variant")
    return tuple(dict.fromkeys(share.variant for share in shares if share.variant is not None))


def _most(split: SplitName, serve: Serve) -> VariantName:
    served = _served(split, serve)
    most = max((weight_in(serve, name) for name in served), default=0)
    first = [name for name in served if weight_in(serve, name) == most]
    if len(first) != 1:
        raise RejectedError(f"{split.in_words} gives {' and '.join(first)} as much: give most to the stable one")
    return first[0]


def _candidate(state: FlagState, flag: Flag, split: SplitName, wanted: RollingOut, stable: VariantName) -> VariantName:
    last = state.rolled_out_in(split.rule, split.region)
    if wanted.returns and last is not None and stable in (last.variant, last.replaced):
        return _known(flag, split, last.replaced)
    if wanted.returns and wanted.variant is not None:
        raise RejectedError(
            f"{split.in_words}: which variant it had before is not known, for it serves {stable} by somebody else's "
            "hand: put it right by hand, and take the target out of the spec for the way back"
        )
    candidate = _known(flag, split, wanted.variant or VariantName(wanted.version))
    is_it = wanted.variant is None or version_of(state, split, stable) == wanted.version
    if candidate == stable and not is_it:
        raise RejectedError(
            f"{split.in_words} gives {stable} to most users already: there is nothing to roll out; name another "
            "variant, give most users another one, or take the target out of the spec"
        )
    return candidate


def _known(flag: Flag, split: SplitName, variant: VariantName) -> VariantName:
    names = sorted(each.name for each in flag.variants)
    if variant in names:
        return variant
    raise RejectedError(
        f"{split.in_words}: there is no variant {variant}; it has {', '.join(names)}: say with `variant` which one is "
        "rolled out, or deploy a version that names one"
    )
