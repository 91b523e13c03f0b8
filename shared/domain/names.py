"""The names of things, as types, so that one can never stand where another is meant."""

from hashlib import sha256
from typing import Final, NewType

LONGEST_KEY: Final = 128
"""Of an aggregate, in characters: what a queue takes as a session's id."""

ApplicationName = NewType("ApplicationName", str)
"""What is released, such as `shop`."""
RolloutId = NewType("RolloutId", str)
"""`<application>-<12 hex digits>`, derived from the command that asked for it, so a repeat names the same rollout."""
ReleaseId = NewType("ReleaseId", str)
"""Several applications that are released as one: a name that was chosen, or one made for it."""
TargetName = NewType("TargetName", str)
"""One place where the traffic of an application is divided."""
Version = NewType("Version", str)
"""An immutable build."""
CommandId = NewType("CommandId", str)
"""What makes an accepted fact the same fact when it comes again."""
FlagKey = NewType("FlagKey", str)
"""A feature flag, such as `new-checkout`; the same in every environment."""
SegmentKey = NewType("SegmentKey", str)
"""A group of users that flags share."""
EnvironmentName = NewType("EnvironmentName", str)
"""Where flags are served, such as `production`: each has flags and segments of its own."""
VariantName = NewType("VariantName", str)
"""One of the values of a flag, by its name."""
EffectId = NewType("EffectId", str)
"""An outbox row of one aggregate; ids of one aggregate sort in the order in which they were made."""


def application_key(name: ApplicationName) -> str:
    """The key of the application's aggregate in the store and the queue."""
    return f"application:{name}"


def release_key(release: ReleaseId) -> str:
    """The key of the aggregate of a release of several applications."""
    return f"release:{release}"


def key_of_flag(environment: EnvironmentName, flag: FlagKey) -> str:
    """The key of a flag's aggregate in one environment."""
    return _key_in("flag", environment, flag)


def key_of_segment(environment: EnvironmentName, segment: SegmentKey) -> str:
    """The key of a segment's aggregate in one environment."""
    return _key_in("segment", environment, segment)


def environment_of(key: str) -> EnvironmentName:
    """The environment of the aggregate of a flag or a segment."""
    return EnvironmentName(key.partition(":")[2].partition("/")[0])


def _key_in(kind: str, environment: EnvironmentName, name: str) -> str:
    """A key is a session of the queue too, which has no room for the longest names: they stand by their hash."""
    whole = f"{kind}:{environment}/{name}"
    return whole if len(whole) <= LONGEST_KEY else f"{kind}:{environment}/~{sha256(name.encode()).hexdigest()[:32]}"


def application_of(rollout: RolloutId) -> ApplicationName:
    """The application whose rollout this is."""
    return ApplicationName(rollout.rpartition("-")[0])
