"""Reading what users met from Prometheus: one question for all guards.

Native histograms and each expression of a team's own are asked for apart.

What is asked for, and why so, is told in `shared.adapters.prometheus.counting`. A counter that is split by status has
no series before the first failure, so failures without a series are none where requests of the same version were
counted in the same window; requests without a series are no data.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from shared.adapters.prometheus.faults import find_faults
from shared.adapters.prometheus.native import NO_TIMES, ask_native
from shared.adapters.prometheus.parts import Grid, Parts
from shared.adapters.prometheus.plan import ArmName, Plan, make_plan
from shared.adapters.prometheus.samples import Sampler, parts_to_sample
from shared.adapters.prometheus.server import Access, PrometheusServer
from shared.adapters.prometheus.values import expression_of, figures_of, parts_to_count
from shared.domain.analysis.measurement import Lack, Missing, Window
from shared.domain.errors import RejectedError
from shared.domain.rollout.measuring import PrometheusSource
from shared.ports.metrics_source import WindowQuestion

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential


def _system_time() -> datetime:
    return datetime.now(UTC)


class PrometheusMetrics:
    """The `MetricsSource` of Prometheus and of Azure Managed Prometheus."""

    def __init__(
        self,
        secret: Callable[[str], str | None],
        credential: "Callable[[], TokenCredential]",
        *,
        allow_http: bool = False,
        now: Callable[[], datetime] = _system_time,
    ) -> None:
        """`secret` returns an app setting, `credential` the app's identity; each is asked only where a source needs it.

        `allow_http` takes plain http, and lets the identity's token go to another host than Azure's.
        """
        self._access = Access(secret=secret, credential=credential, allow_http=allow_http, now=now)

    def read_windows(self, question: WindowQuestion) -> tuple[Window, ...]:
        """Return each window, by the versions of the arms. A window is whole once there is a value after its end.

        Raises `TryLaterError` also when the server's clock is more than a window from ours, and for a partial answer.
        """
        starts = question.starts()
        if not starts:
            return ()
        if question.candidate.version is None and question.stable.version is None:
            raise RejectedError("metrics.source: Prometheus is asked by version, and neither arm's version is known")
        if question.candidate.version == question.stable.version:
            return _indistinct(question)
        plan = make_plan(question)
        server = PrometheusServer(_source(question), self._access, question.length)
        sampler = _ask(server, plan, question)
        return tuple(
            Window(
                start=start,
                end=start + question.length,
                candidate=sampler.sample(ArmName.CANDIDATE, index),
                stable=sampler.sample(ArmName.STABLE, index),
            )
            for index, start in enumerate(starts)
        )

    def find_faults(self, question: WindowQuestion) -> tuple[str, ...]:
        """Return what is wrong with the selectors, the version label, the window and the values."""
        try:
            plan = make_plan(question)
            figures = figures_of(question.values)
        except RejectedError as error:
            return (str(error),)
        server = PrometheusServer(_source(question), self._access, question.length)
        return find_faults(server, plan, figures, question.until)


def _source(question: WindowQuestion) -> PrometheusSource:
    assert isinstance(question.source, PrometheusSource)
    return question.source


def _ask(server: PrometheusServer, plan: Plan, question: WindowQuestion) -> Sampler:
    figures = figures_of(question.values)
    grid, label = plan.grid, plan.source.version_label
    asked = [*parts_to_sample(plan), *(part for figure in figures for part in parts_to_count(figure, plan))]
    counted = server.ask_range("\nor ".join(asked), grid.first, grid.until, grid.step)
    ends = Grid(grid.since, grid.window, grid.windows, 1)
    at_ends = [
        row
        for figure in figures
        if (expression := expression_of(figure, plan))
        for row in server.ask_range(expression, ends.first, ends.until, ends.step)
    ]
    native = NO_TIMES
    if plan.latency is not None and not plan.is_classic:
        native = ask_native(server, plan, plan.of_versions(plan.latency))
    return Sampler(plan, question.values, Parts(counted, grid, label), Parts(at_ends, ends, label), native)


def _indistinct(question: WindowQuestion) -> tuple[Window, ...]:
    why = f"both arms are version {question.candidate.version}, and Prometheus tells them apart by version only"
    missing = Missing(Lack.ERROR, why)
    return tuple(
        Window(start=start, end=start + question.length, candidate=missing, stable=missing)
        for start in question.starts()
    )
