"""The story of an experiment: two versions side by side, and a report says which of them loses fewer checkouts.

The first candidate is better, and a person who reads that promotes it. The second is no better than what serves, and
left to the rule: without evidence of a difference nothing is promoted.
"""

from contextlib import suppress
from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.text import Text

from local.interruption import Interruption
from local.json_calls import NoAnswerError
from local.story.closing import Findings, lines_of, shares_table
from local.story.differs import StoryDiffersError
from local.story.follower import Follower
from local.story.sandbox import Sandbox
from local.story.screen import Screen
from local.story.seen import ExperimentSeen
from local.story.slipway_api import SlipwayApi
from local.story.telling import Chapter, by_version, expect

RPS = 150.0
OLD_CHECKOUT, NEW_CHECKOUT = 0.10, 0.02
"""The fractions of its checkouts that version 1 loses, and that version 2 does."""
RELEASE_SECONDS = 90.0
"""An experiment and what follows take about 40 s."""
AFTER_SECONDS = 4.0


@dataclass(slots=True)
class ExperimentStory:
    """Tells the chapters in their order. Each raises `StoryDiffersError` as soon as it goes otherwise."""

    slipway: SlipwayApi
    sandbox: Sandbox
    spec: str
    screen: Screen
    stop: Interruption
    version_3_error_rate: float
    findings: Findings = field(default_factory=Findings)
    reports: dict[str, ExperimentSeen] = field(default_factory=dict)
    _load_id: str = ""

    def chapters(self) -> tuple[Chapter, ...]:
        """Return the chapters in their order."""
        return (
            Chapter("version 1", self.users_come),
            Chapter("version 2", self.better_version),
            Chapter("version 3", self.no_better_version),
            Chapter("closing", self.users_were_served),
        )

    def closing(self) -> RenderableType:
        """Return all that was measured so far."""
        with suppress(StoryDiffersError, NoAnswerError):
            self.findings.served = self.sandbox.served()
        return Group(shares_table(self.findings.shares), Text(), lines_of(self._totals()))

    def users_come(self) -> None:
        """Version 1 is live, and one checkout in ten is lost."""
        self.screen.chapter(f"Version 1 is live, and loses {100 * OLD_CHECKOUT:g} % of its checkouts")
        self.sandbox.deploy("1", error_rate=OLD_CHECKOUT, slot="production")
        self.slipway.register(self.spec)
        self._load_id = self.sandbox.send_fresh(RPS)
        self.stop.sleep(1.0)
        served = self.sandbox.served()
        expect(set(served) == {"1"}, f"everybody should be served by version 1, but {by_version(served)}")
        self.screen.say(f"users come, {RPS:g} a second: {by_version(served)}")

    def better_version(self) -> None:
        """Version 2 loses fewer checkouts: it wins, and a person promotes it."""
        self.screen.chapter(f"Version 2 loses {100 * NEW_CHECKOUT:g} %: which of them is better?")
        follower = self._announce("2", NEW_CHECKOUT)
        follower.until(lambda rollout: rollout.phase == "waiting", "decided", within=RELEASE_SECONDS)
        report = self._report(follower)
        expect(report.winner == "candidate", f"version 2 should win, but the report says: {report.words}")
        self.screen.say("version 2  a person says: promote (fewer are lost)")
        self.slipway.override("promote", "fewer are lost")
        follower.until(lambda rollout: rollout.phase == "succeeded", "promoted", within=RELEASE_SECONDS)
        follower.during(AFTER_SECONDS, holds=lambda rollout: rollout.observed == 100, what="at 100 %")
        self._expect_live("2")

    def no_better_version(self) -> None:
        """Version 3 is as good as version 2: nobody can tell them apart, so the rule promotes nothing."""
        self.screen.chapter(f"Version 3 loses {100 * self.version_3_error_rate:g} %: better still?")
        self.slipway.register(self.spec.replace("promote: by-hand", "promote: winner"))
        follower = self._announce("3", self.version_3_error_rate)
        follower.until(lambda rollout: rollout.phase == "rolled-back", "taken back", within=RELEASE_SECONDS)
        report = self._report(follower)
        expect(report.winner is None, f"nobody should win, but the report says: {report.words}")
        follower.during(AFTER_SECONDS, holds=lambda rollout: rollout.observed == 0, what="at 0 %")
        self._expect_live("2")

    def users_were_served(self) -> None:
        """No request was lost on its way, and each share was as wanted."""
        load = self.sandbox.stop(self._load_id)
        expect(not load.lost, f"{load.lost} requests were answered by no version")
        self.findings.expect_shares()

    def _announce(self, version: str, error_rate: float) -> Follower:
        self.sandbox.deploy(version, error_rate=error_rate)
        rollout_id = self.slipway.announce_plain(version, f"compared-{version}")
        self.screen.say(f"CI deployed version {version} to the slot and said so; accepted as {rollout_id}")
        follower = Follower(self.slipway, self.sandbox, self.screen, self.stop, self._load_id, version, rollout_id)
        self.findings.meters.append(follower.meter)
        return follower

    def _report(self, follower: Follower) -> ExperimentSeen:
        report = self.slipway.experiment(follower.rollout_id)
        self.reports[follower.version] = report
        self.screen.say(f"the experiment ended ({report.over}) after {report.requests:g} requests: {report.words}")
        return report

    def _expect_live(self, version: str) -> None:
        live = self.sandbox.version_live()
        expect(live == version, f"production should serve version {version}, but serves {live}")
        self.screen.say(f"production serves version {live}")

    def _totals(self) -> tuple[tuple[str, str], ...]:
        served = sorted(self.findings.served.items())
        return (
            ("requests served", str(sum(each.requests for _, each in served))),
            *(
                (f"checkouts lost by version {version}", f"{100 * met.failures / max(met.requests, 1):.1f} %")
                for version, met in served
            ),
            *((f"the experiment with version {version}", report.words) for version, report in self.reports.items()),
        )
