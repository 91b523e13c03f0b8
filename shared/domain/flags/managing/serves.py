"""What a rule, a region, or the default, of a flag serves."""

from dataclasses import replace

from shared.domain.flags.model import Flag, RegionOverride, Rule, Serve


def serve_of(flag: Flag, rule: str | None, region: str | None = None) -> Serve | None:
    """Return what a rule serves, or a default where `rule` is None; None where the flag has no such rule.

    A region without a default of its own serves the flag's.
    """
    if rule is not None:
        found = rule_of(flag, rule)
        return found.serve if found is not None else None
    own = override_of(flag, region).default if region is not None else None
    return own if own is not None else flag.default


def serving(flag: Flag, rule: str | None, serve: Serve | None, region: str | None = None) -> Flag:
    """Return the flag with this served by the rule, by the region, or by the default.

    None takes a region's own default away, and means nothing elsewhere.
    """
    if region is not None and rule is None:
        own = (region, replace(override_of(flag, region), default=serve))
        regions = tuple(own if name == region else (name, each) for name, each in flag.regions)
        regions = regions if own in regions else (*regions, own)
        return replace(flag, regions=tuple(each for each in regions if each != (region, RegionOverride())))
    if serve is None:
        return flag
    if rule is not None:
        rules = tuple(replace(each, serve=serve) if each.id == rule else each for each in flag.rules)
        return replace(flag, rules=rules)
    return replace(flag, default=serve)


def override_of(flag: Flag, region: str) -> RegionOverride:
    """Return what a region does otherwise, which may be nothing."""
    return dict(flag.regions).get(region) or RegionOverride()


def rule_of(flag: Flag, rule: str) -> Rule | None:
    """Return the rule of this id, or None."""
    return next((each for each in flag.rules if each.id == rule), None)


def bare(flag: Flag) -> Flag:
    """Return a flag that is off with what it serves and the names of what it would serve, without what decides."""
    variants = tuple(each if each.name == flag.off else replace(each, value=None) for each in flag.variants)
    nothing = replace(flag, schedule=None, prerequisites=(), targets=(), rules=(), regions=())
    return replace(nothing, variants=variants, default=flag.off)
