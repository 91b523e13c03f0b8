"""What telemetry calls the two arms, and which names are whose: told in KQL, and the same here."""

from dataclasses import dataclass
from enum import StrEnum

from shared.domain.errors import RejectedError
from shared.domain.rollout.measuring import LogAnalyticsSource, SplitBy
from shared.domain.rollout.spec import Place
from shared.ports.metrics_source import Arm, WindowQuestion
from shared.wire.site_id import parse_site_id


class Side(StrEnum):
    """The arms by the words that queries use."""

    CANDIDATE = "candidate"
    STABLE = "stable"


_IS_NAMED = {
    SplitBy.VERSION: "name =~ version",
    SplitBy.REVISION: "name =~ version",
    SplitBy.ROLE: (
        "name =~ version or (name endswith version"
        " and not(substring(name, strlen(name) - strlen(version) - 1, 1) matches regex '[A-Za-z0-9]'))"
    ),
    SplitBy.PLACE: "name =~ version or name startswith strcat(version, '.')",
}


@dataclass(frozen=True, slots=True)
class ArmNames:
    """How each arm is named; empty: whatever is not the other arm."""

    by: SplitBy
    candidate: str
    stable: str

    @property
    def condition(self) -> str:
        """The KQL that tells whether a row's `name` is that of a `version`."""
        return _IS_NAMED[self.by]

    def side_of(self, name: str) -> Side | None:
        """Return whose name this is, or None: the same as the queries' own rule."""
        if self.candidate and self._is_named(name, self.candidate):
            return Side.CANDIDATE
        if self.stable and self._is_named(name, self.stable):
            return Side.STABLE
        if not self.stable:
            return Side.STABLE
        return None if self.candidate else Side.CANDIDATE

    def _is_named(self, name: str, version: str) -> bool:
        name, version = name.lower(), version.lower()
        if name == version:
            return True
        match self.by:
            case SplitBy.VERSION | SplitBy.REVISION:
                return False
            case SplitBy.ROLE:
                before = name[: -len(version)][-1:]
                return name.endswith(version) and not (before.isascii() and before.isalnum())
            case SplitBy.PLACE:
                return name.startswith(f"{version}.")


def names_of(question: WindowQuestion, source: LogAnalyticsSource) -> ArmNames:
    """Return how the arms are named. Raises `RejectedError` when that does not tell them apart."""
    if source.split_by is SplitBy.PLACE:
        return ArmNames(
            source.split_by, _place_name(question, question.candidate), _place_name(question, question.stable)
        )
    candidate, stable = question.candidate.version or "", question.stable.version or ""
    if candidate.lower() == stable.lower():
        why = f"both arms are version {candidate}" if candidate else "no version is named"
        raise RejectedError(f"metrics.source.splitBy: {why}, so the arms cannot be told apart")
    return ArmNames(source.split_by, candidate, stable)


def _place_name(question: WindowQuestion, arm: Arm) -> str:
    site = parse_site_id(question.target.resource).name
    return site if arm.place is Place.PRODUCTION else f"{site}-{question.target.slot}"
