"""Where the flags of an environment are brought beside being served here, so that the SDKs of there can stay."""

from collections.abc import Iterable
from typing import Protocol

from shared.domain.errors import RejectedError
from shared.domain.flags.model import Flag, Segment
from shared.domain.names import FlagKey


class NotCarriedError(RejectedError):
    """The flag would serve somebody something else there, or has no place: it is tried again once something changes.

    The message says which part it is, and the fix.
    """


class FlagDistribution(Protocol):
    """A product with flags of its own, that is to serve those of one environment as we do."""

    @property
    def name(self) -> str:
        """What people are told that it is, such as `Azure App Configuration shop.azconfig.io`."""

    def bring_up(self, key: FlagKey, flag: Flag | None, segments: Iterable[Segment]) -> tuple[str, ...]:
        """Let the flag be there as it is here; None: it is served to nobody any more.

        Writes only what differs, so it is safe to repeat. Returns what could not be carried, in words. `segments` are
        those of the environment. A flag that is off is always brought there as off, whatever else it has.
        Raises `VersionConflictError` when somebody else wrote it there meanwhile: what should be there is to be read
        anew. Raises `TryLaterError` when the other side is unwell, `RejectedError` when it refuses, and
        `NotCarriedError` for a flag that would serve differently there: what stands there is left as it is then.
        """
