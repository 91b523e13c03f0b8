"""The closing table: what was wanted beside what the users really had."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from local.story.seen import Served
from local.story.shares import STANDARD_ERRORS, StepMeter, StepShare
from local.story.telling import expect


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """What the bad version did to the users, and how it was stopped."""

    version: str
    failed: int
    """Requests that failed because of it, those of pinned users after the rollback included."""
    seconds_to_zero: float
    """From the last look that had seen no failure to the weight 0, so at most this."""
    failed_after_zero: int
    """Of `failed`, those of users whose cookie still led to it."""
    returning: int
    """How many users came again and again, with their cookie."""
    returning_pinned: int
    """How many of those were still served by it after the rollback."""
    cookies: int
    """Routing cookies of the last hour that name its place, of users who may never come again included."""
    pinned_until: datetime | None
    pinned_requests: float | None
    """Requests of pinned users in one window after the rollback, as Slipway itself counted them."""


@dataclass(frozen=True, slots=True)
class RouterCall:
    """How long it took from an accepted fact to the router."""

    what: str
    milliseconds: float


@dataclass(slots=True)
class Findings:
    """What was measured in the story so far."""

    meters: list[StepMeter] = field(default_factory=list)
    served: Mapping[str, Served] = field(default_factory=dict)
    taken_back: TakenBack | None = None
    calls: list[RouterCall] = field(default_factory=list)

    @property
    def shares(self) -> tuple[StepShare, ...]:
        """Return the steps of all rollouts, in their order."""
        return tuple(share for meter in self.meters for share in meter.shares)

    def expect_shares(self) -> None:
        """Raise `StoryDiffersError` unless each step had the share that was wanted."""
        for share in self.shares:
            had = "nothing at all" if share.share is None else f"{share.share:.2f} %"
            expect(
                share.fits, f"version {share.version}, {share.label}: {share.wanted:g} % wanted, but users had {had}"
            )


def closing_table(findings: Findings) -> RenderableType:
    """Return all that was measured, for the terminal."""
    return Group(shares_table(findings.shares), Text(), _totals(findings))


def shares_table(shares: tuple[StepShare, ...]) -> Table:
    """Return a line for each step: the share that was wanted, and the one that users had."""
    table = Table(title="Wanted, and what fresh clients really had", title_justify="left", title_style="bold")
    table.add_column("version")
    table.add_column("step")
    chance = f"chance ({shares[0].standard_errors if shares else STANDARD_ERRORS} standard errors)"
    for name in ("wanted", "had", chance, "requests"):
        table.add_column(name, justify="right")
    table.add_column("")
    for each in shares:
        had = "-" if each.share is None else f"{each.share:.2f} %"
        verdict = _verdict(each)
        wanted, tolerance = f"{each.wanted:g} %", f"± {each.tolerance:.2f} %"
        table.add_row(each.version, each.label, wanted, had, tolerance, str(each.requests), verdict)
    return table


def _verdict(share: StepShare) -> Text:
    if share.share is None:
        return Text("not measured", style="yellow")
    return Text("as wanted", style="green") if share.fits else Text("DIFFERS", style="bold red")


def _totals(findings: Findings) -> Text:
    return lines_of(tuple(_rows(findings)))


def lines_of(rows: tuple[tuple[str, str], ...]) -> Text:
    """Return names and values, the values below each other."""
    widest = max(len(name) for name, _ in rows)
    return Text("\n".join(f"{name:<{widest}}  {value}" for name, value in rows))


def _rows(findings: Findings) -> Iterator[tuple[str, str]]:
    served = sorted(findings.served.items())
    yield "requests served", str(sum(each.requests for _, each in served))
    versions = ", ".join(version for version, _ in served)
    yield f"of them by version {versions}", ", ".join(str(each.requests) for _, each in served)
    if findings.taken_back is not None:
        yield from _taken_back(findings.taken_back)
    for call in findings.calls:
        yield call.what, f"{call.milliseconds:.0f} ms"


def _taken_back(back: TakenBack) -> tuple[tuple[str, str], ...]:
    until = f", until {back.pinned_until:%H:%M} UTC at the latest" if back.pinned_until else ""
    after = f", {back.failed_after_zero} of them by pinned users after weight 0" if back.failed_after_zero else ""
    own = "not counted yet" if back.pinned_requests is None else f"{back.pinned_requests:g} requests"
    return (
        (f"requests failed because of version {back.version}", f"{back.failed}{after}"),
        ("from its first failure to weight 0", f"{back.seconds_to_zero:.1f} s"),
        ("users still pinned to it by cookie", f"{back.returning_pinned} of {back.returning} who came back{until}"),
        ("what Slipway counted of them in a 5 s window", own),
        ("cookies of the last hour that name its slot", str(back.cookies)),
    )
