"""What a rule, or the default, of a flag serves."""

from dataclasses import replace

from shared.domain.flags.model import Flag, Rule, Serve


def serve_of(flag: Flag, rule: str | None) -> Serve | None:
    """Return what a rule, or the default where `rule` is None, serves; None where the flag has no such rule."""
    if rule is None:
        return flag.default
    found = rule_of(flag, rule)
    return found.serve if found is not None else None


def serving(flag: Flag, rule: str | None, serve: Serve) -> Flag:
    """Return the flag with this served by the rule, or by the default."""
    if rule is None:
        return replace(flag, default=serve)
    rules = tuple(replace(each, serve=serve) if each.id == rule else each for each in flag.rules)
    return replace(flag, rules=rules)


def rule_of(flag: Flag, rule: str) -> Rule | None:
    """Return the rule of this id, or None."""
    return next((each for each in flag.rules if each.id == rule), None)
