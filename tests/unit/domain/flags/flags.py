"""Flags in short, for tests that name only what they are about."""

from shared.domain.flags.compile import compile_flags
from shared.domain.flags.model import Flag, FlagType, Rule, Segment, Variant
from tests.unit.domain.flags.patterns import python_regexes

ON, OFF = Variant("on", value=True), Variant("off", value=False)
NOON = 1_750_000_000.0


def flag(key="checkout", **fields):
    """A boolean flag that serves off unless something is said."""
    fields = {"type": FlagType.BOOLEAN, "variants": (ON, OFF), "default": "off", "off": "off"} | fields
    return Flag(key=key, **fields)


def on_if(condition, **fields):
    """A flag that is on for whom the condition holds."""
    return flag(rules=(Rule(id="rule", condition=condition, serve="on"),), **fields)


def evaluated(flags, context=None, *, segments=(), now=NOON, region=""):
    """What the context gets of the first of the flags."""
    flags = [flags] if isinstance(flags, Flag) else flags
    rules = compile_flags(flags, segments, regexes=python_regexes)
    return rules.evaluate(flags[0].key, {} if context is None else context, now=now, region=region)


def is_on(condition, context=None, *, segments=(), now=NOON, region=""):
    """Whether the condition holds for the context."""
    found = evaluated(on_if(condition), context, segments=segments, now=now, region=region)
    assert found.error is None, found.because
    return found.variant == "on"


def segment(key="staff", **fields):
    """A segment."""
    return Segment(key=key, **fields)
