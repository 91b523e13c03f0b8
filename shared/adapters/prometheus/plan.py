"""What a question about windows comes to on a Prometheus server."""

from dataclasses import dataclass
from enum import StrEnum

from shared.adapters.prometheus.counting import Counting, steps_of
from shared.adapters.prometheus.filling import Filling
from shared.adapters.prometheus.parts import Grid, Side
from shared.adapters.prometheus.promql_text import exactly
from shared.adapters.prometheus.selector import Matcher, Selector, parse_selector
from shared.domain.errors import RejectedError
from shared.domain.names import Version
from shared.domain.rollout.measuring import PrometheusSource
from shared.ports.metrics_source import Arm, WindowQuestion

BUCKETS = "_bucket"


class ArmName(StrEnum):
    """The sides of the comparison, as parts of an answer name them."""

    CANDIDATE = "candidate"
    STABLE = "stable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The question in Prometheus' words."""

    source: PrometheusSource
    requests: Selector
    failures: Selector
    latency: Selector | None
    counting: Counting
    grid: Grid
    sides: tuple[tuple[ArmName, Side], ...]
    versions: tuple[Matcher, ...]
    """What narrows a selector to the versions that are asked for; nothing where one of them is "all others"."""

    def side(self, arm: ArmName) -> Side:
        """Return whose series are the arm's."""
        return dict(self.sides)[arm]

    def filling(self, arm: ArmName) -> Filling:
        """Return what is filled into a query for the arm."""
        side = self.side(arm)
        if side.version is None and side.other is not None:
            return Filling(side.other, self.grid.window, is_other=True)
        return Filling(side.version or Version(""), self.grid.window)

    def of_versions(self, selector: Selector) -> Selector:
        """Return the selector of those of its series that are of the versions that are asked for."""
        return selector.narrowed(*self.versions)

    @property
    def is_classic(self) -> bool:
        """Whether response times are in a classic histogram: its series are named `..._bucket`."""
        return self.latency is not None and self.latency.metric.endswith(BUCKETS)


def make_plan(question: WindowQuestion) -> Plan:
    """Return the plan. Raises `RejectedError` for selectors that are none."""
    source = question.source
    assert isinstance(source, PrometheusSource)
    windows = len(question.starts())
    grid = Grid(question.since, question.length, windows, steps_of(question.length, windows))
    label = source.version_label
    named = [arm.version for arm in (question.candidate, question.stable) if arm.version is not None]
    pattern = "|".join(exactly(version) for version in named)
    return Plan(
        source=source,
        requests=_read("requests", source.requests),
        failures=_read("failures", source.failures),
        latency=_read("latency", source.latency) if source.latency else None,
        counting=Counting(grid.step, label),
        grid=grid,
        sides=(
            (ArmName.CANDIDATE, _side(question.candidate, question.stable)),
            (ArmName.STABLE, _side(question.stable, question.candidate)),
        ),
        versions=(Matcher(label, "=~", pattern),) if len(named) == 2 else (),
    )


def _side(arm: Arm, other: Arm) -> Side:
    return Side(arm.version, other.version)


def _read(name: str, text: str) -> Selector:
    try:
        return parse_selector(text)
    except ValueError as error:
        raise RejectedError(f"metrics.source.{name}: {error}") from error
