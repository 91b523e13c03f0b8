"""The one message between deliveries: which aggregate to look at."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WakeUp:
    """Asks for a look at one aggregate. Carries the key, never the truth."""

    key: str
    """The aggregate, such as `application:shop`; also the session, so that its messages keep their order."""
    fence: str
    """Which scheduled wake-up this is; `""` for one that only says "there is news"."""
    attempt: int = 0
    """How often this wake-up was put off because a dependency was unwell."""
    marker: str = ""
    """The token of the open marker that the sweep saw, when the sweep sent this; else `""`."""
    observed: bool = False
    """Whether windows of measurements came by themselves since the last one: then they are looked at now."""
