"""What the demo sees: answers of Slipway's API and of the sandbox, read into plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

ENDS = frozenset({"succeeded", "rolled-back", "aborted", "failed"})


@dataclass(frozen=True, slots=True)
class GuardSeen:
    """A guard's newest finding."""

    name: str
    verdict: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutSeen:
    """A rollout as `GET /api/rollouts/{id}` showed it; weights are percentages, of the one target that there is."""

    id: str
    version: str
    phase: str
    doing: str
    step: int | None
    """Which entry of `plan` it is at, or waits for."""
    plan: tuple[float, ...]
    """The weight of each step, 100 for the promotion."""
    wanted: float
    observed: float | None
    guards: tuple[GuardSeen, ...]
    reason: str
    pinned_until: datetime | None
    pinned_requests: float | None
    """After a rollback, the requests of pinned users that Slipway counted in one window; None until it did."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.phase in ENDS

    @property
    def is_settled(self) -> bool:
        """Whether the users are divided as wanted, and nothing is being changed about it."""
        rests = self.doing == "baking" or self.phase in ("paused", *ENDS)
        return rests and self.observed == self.wanted and self.step is not None

    @property
    def label(self) -> str:
        """The name of the step, for people."""
        if self.phase in ("rolled-back", "aborted", "failed"):
            return "taken back"
        if self.phase == "promoting" and self.wanted < 100:
            return "promoting"
        return "promoted" if self.wanted == 100 else f"step {(self.step or 0) + 1}"

    @property
    def standing(self) -> str:
        """Where it stands, in words."""
        return f"{self.phase}, {self.doing}, at {self.wanted:g} %"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSeen:
    """How far a load is."""

    sent: int
    answered: int
    lost: int
    """Requests that no version answered."""
    requests: Mapping[str, int]
    """Requests that a version answered, by version."""

    @property
    def in_flight(self) -> int:
        """Sent and not answered yet."""
        return max(self.sent - self.answered, 0)


@dataclass(frozen=True, slots=True)
class Served:
    """What users met of one version at the edge."""

    requests: int = 0
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Happened:
    """A line of a rollout's history; `fields` are its own."""

    type: str
    at: datetime
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ExperimentSeen:
    """What the report of a rollout's experiment says."""

    words: str
    winner: str | None
    """`candidate`, `stable`, or nobody."""
    over: str | None
    """Why it is over; None while it goes on."""
    requests: float


def read_experiment(body: Any) -> ExperimentSeen:
    """Read the experiment of an answer of the API."""
    told: Any = body["experiment"]
    return ExperimentSeen(told["words"], told["winner"], told["over"], told["requests"])


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseSeen:
    """A release of several applications as `GET /api/releases/{id}` showed it."""

    id: str
    phase: str
    reason: str
    opened: str
    """The stage that all members may be in; empty before the first."""
    standings: Mapping[str, str]
    """How each application stands."""
    rollouts: Mapping[str, str]
    """The rollout of each application."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.phase in ENDS


def read_release(body: Any) -> ReleaseSeen:
    """Read an answer of the API."""
    return ReleaseSeen(
        id=body["id"],
        phase=body["phase"],
        reason=body["reason"],
        opened=body["opened"] or "",
        standings={member["application"]: member["standing"] for member in body["members"]},
        rollouts={member["application"]: member["rollout"] for member in body["members"]},
    )


def read_rollout(body: Any) -> RolloutSeen:
    """Read an answer of the API."""
    target: Any = body["targets"][0] if body["targets"] else {"wanted": 0.0, "observed": None}
    until = body["pinned_until"]
    return RolloutSeen(
        id=body["id"],
        version=body["version"],
        phase=body["phase"],
        doing=body["doing"],
        step=_weights_before(body),
        plan=tuple(step["weight"] for step in body["plan"] if "weight" in step),
        wanted=target["wanted"],
        observed=target["observed"],
        guards=tuple(GuardSeen(guard["guard"], guard["verdict"], guard["says"]) for guard in body["guards"]),
        reason=body["reason"],
        pinned_until=datetime.fromisoformat(until) if until else None,
        pinned_requests=body["pinned_requests"],
    )


def _weights_before(body: Any) -> int | None:
    """Return which of the weights it is at, or comes to when the hook or gate that it waits for lets it."""
    if body["step"] is None:
        return None
    return sum("weight" in step for step in body["plan"][: body["step"]])


def read_history(body: Any) -> tuple[Happened, ...]:
    """Read a page of a rollout's history."""
    return tuple(Happened(line["type"], datetime.fromisoformat(line["at"]), line) for line in body["events"])


def read_load(body: Any) -> LoadSeen:
    """Read how far a load is."""
    return LoadSeen(
        sent=body["sent"],
        answered=body["answered"],
        lost=body["versions"].get("none", {"requests": 0})["requests"],
        requests={version: tally["requests"] for version, tally in body["versions"].items() if version != "none"},
    )


def read_served(body: Any) -> dict[str, Served]:
    """Read what users met, by version."""
    return {version: Served(tally["requests"], tally["failures"]) for version, tally in body.items()}
