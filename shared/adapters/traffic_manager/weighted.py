"""What must be written for a share of a weighted profile, and in which order.

The API has no call that changes two endpoints at once and nothing else: a PATCH of the profile refuses endpoints, and
a PUT of the whole profile would undo what somebody else changed since it was read, and be refused for the sake of an
endpoint that is none of ours. So the two endpoints are patched one after the other, in an order that is safe also when
nothing comes after the first: in between, the candidate's share is never above the greater of before and after, and
never are both endpoints disabled. There is always such an order, and of two the one with the smaller share in between
is taken: a rollback takes the candidate out first, unless nobody else is there to serve.
"""

from dataclasses import dataclass

from shared.adapters.traffic_manager.profile import Endpoint, Pair
from shared.adapters.traffic_manager.weights import within
from shared.domain.errors import RejectedError
from shared.domain.rollout.rounding import MOST, nearest, share_of
from shared.domain.rollout.weight import ALL, NONE, ROUNDING, Weight, to_percent

LEAST_TOTAL = ALL // ROUNDING
"""Beside other endpoints the two need this weight together, for a share to be rounded by at most a percent."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What an endpoint is to have."""

    enabled: bool
    weight: int

    @property
    def pull(self) -> int:
        """Its weight among those that are in use."""
        return self.weight if self.enabled else 0


Change = tuple[Endpoint, Setting]


def read_share(pair: Pair) -> Weight:
    """Return the candidate's part of the pair, by weights and by who is enabled; nothing while both are disabled."""
    return share_of(pair.candidate.pull, pair.stable.pull)


def changes(pair: Pair, share: Weight) -> tuple[Change, ...]:
    """Return what to write, in order; nothing where the share is in force already.

    Raises `RejectedError` when other endpoints leave the pair too little weight to say the share.
    """
    candidate, stable = _settings(pair, share)
    is_set = (pair.candidate.enabled, pair.stable.enabled) == (candidate.enabled, stable.enabled)
    if is_set and read_share(pair) == share_of(candidate.pull, stable.pull):
        return ()
    wanted = ((pair.candidate, candidate), (pair.stable, stable))
    needed = tuple((endpoint, setting) for endpoint, setting in wanted if _differs(endpoint, setting))
    return needed if len(needed) < 2 or _may_come_first(pair, candidate, stable) else needed[::-1]


def total_of(pair: Pair) -> int:
    """Return the weight that the two have together among the profile's endpoints, as far as one of them can bear it."""
    return min(pair.candidate.pull + pair.stable.pull or pair.stable.weight, MOST)


def _settings(pair: Pair, share: Weight) -> tuple[Setting, Setting]:
    """Return what the candidate and the stable endpoint are to have. Who gets nothing is disabled, its weight kept."""
    if share == NONE:
        kept = pair.stable.weight if pair.is_alone else total_of(pair)
        return Setting(enabled=False, weight=pair.candidate.weight), Setting(enabled=True, weight=kept)
    if share == ALL:
        kept = pair.candidate.weight if pair.is_alone else total_of(pair)
        return Setting(enabled=True, weight=kept), Setting(enabled=False, weight=pair.stable.weight)
    candidate, stable = nearest(share) if pair.is_alone else _beside_others(pair, share)
    return Setting(enabled=True, weight=candidate), Setting(enabled=True, weight=stable)


def _beside_others(pair: Pair, share: Weight) -> tuple[int, int]:
    total = total_of(pair)
    candidate, stable = within(total, share) if total > 1 else (total, 0)
    if not stable or abs(share_of(candidate, stable) - share) > ROUNDING:
        raise RejectedError(f"{to_percent(share):g} % cannot be set: {too_little(pair)}")
    return candidate, stable


def too_little(pair: Pair) -> str:
    """Say what is in the way of fine shares, and the fix."""
    names = f"{pair.stable.name} and {pair.candidate.name}"
    return (
        f"{names} have a weight of {total_of(pair)} together beside other endpoints, which would move if it grew; "
        f"multiply the weights of all endpoints of the profile so that it is {LEAST_TOTAL} or more"
    )


def _differs(endpoint: Endpoint, setting: Setting) -> bool:
    return (endpoint.enabled, endpoint.weight) != (setting.enabled, setting.weight)


def _may_come_first(pair: Pair, candidate: Setting, stable: Setting) -> bool:
    """Whether the candidate is written first, which leaves (its new, stable's old) weight in between."""
    first = _part(candidate.pull, pair.stable.pull)
    second = _part(pair.candidate.pull, stable.pull)
    return first <= second


def _part(candidate: int, stable: int) -> float:
    """Return the candidate's share of users; above everything where nobody would serve them."""
    return candidate / (candidate + stable) if candidate + stable else 2.0
