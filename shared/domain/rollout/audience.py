"""Users whom a mark sends to the candidate, whatever its share: testers, previews, experiments."""

from dataclasses import dataclass
from enum import StrEnum

from shared.domain.rollout.weight import Weight


class CarriedIn(StrEnum):
    """What of a request bears a mark."""

    HEADER = "header"
    COOKIE = "cookie"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestMark:
    """What a request bears that is for the candidate: a header, or a cookie, of this very value."""

    carried_in: CarriedIn
    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedUsers:
    """Users whom somebody else marks."""

    mark: RequestMark
    share: Weight | None = None
    """The share of the requests that bear the mark, where chance hands it out; None: nobody knows."""
