"""The story of a switch: testers see a version, then everyone gets it at once, and a bad one goes back in one hop.

It is told on a Container App: two revisions of which one serves everyone, measured by the telemetry of its requests.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.text import Text

from local.interruption import Interruption
from local.json_calls import NoAnswerError
from local.story.closing import Findings, RouterCall, lines_of, shares_table
from local.story.differs import StoryDiffersError
from local.story.follower import Follower
from local.story.sandbox_app import SandboxApp, version_at
from local.story.screen import Screen
from local.story.slipway_api import SlipwayApi
from local.story.telling import Chapter, by_version, expect, first, in_words, last, milliseconds

RPS = 100.0
PREFLIGHT_SECONDS = 60.0
SWITCH_SECONDS = 45.0
BAKE_SECONDS = 90.0
"""A bake passes after about 15 s."""
PREVIEW_SECONDS = 4.0
"""How long testers look: time to count that no user is sent there meanwhile."""
AFTER_SECONDS = 5.0
"""Time to count that everybody is back."""


@dataclass(slots=True)
class BlueGreenStory:
    """Tells the chapters in their order. Each raises `StoryDiffersError` as soon as it goes otherwise."""

    slipway: SlipwayApi
    management: str
    spec: str
    screen: Screen
    stop: Interruption
    version_3_error_rate: float
    findings: Findings = field(default_factory=Findings)
    seconds_to_zero: float | None = None
    _app: SandboxApp | None = None
    _load_id: str = ""

    def chapters(self) -> tuple[Chapter, ...]:
        """Return the chapters in their order."""
        return (
            Chapter("version 1", self.users_come),
            Chapter("version 2", self.good_version),
            Chapter("version 3", self.bad_version),
            Chapter("closing", self.users_were_served),
        )

    def closing(self) -> RenderableType:
        """Return all that was measured so far."""
        if self._app is not None:
            with suppress(StoryDiffersError, NoAnswerError):
                self.findings.served = self._app.served()
        return Group(shares_table(self.findings.shares), Text(), lines_of(self._totals()))

    @property
    def app(self) -> SandboxApp:
        """The app, once the first chapter has made it."""
        assert self._app is not None
        return self._app

    def users_come(self) -> None:
        """Version 1 is live in a Container App, and users come."""
        self.screen.chapter("Version 1 is live, in a Container App")
        self._app = SandboxApp.create(self.management, self.slipway.application)
        self.slipway.register(self.spec)
        self._load_id = self.app.send_fresh(RPS)
        self.stop.sleep(1.0)
        served = self.app.served()
        expect(set(served) == {"1"}, f"everybody should be served by version 1, but {by_version(served)}")
        self.screen.say(f"users come to {self.app.edge}, {RPS:g} a second: {by_version(served)}")

    def good_version(self) -> None:
        """Version 2 is seen by testers, approved, and gets everyone at once."""
        self.screen.chapter("Version 2 is healthy")
        follower = self._preview("2")
        self._switch(follower)
        follower.until(lambda rollout: rollout.phase == "succeeded", "the one that serves", within=BAKE_SECONDS)
        follower.during(AFTER_SECONDS, holds=lambda rollout: rollout.observed == 100, what="at 100 %")

    def bad_version(self) -> None:
        """Version 3 looks well to testers, fails its users, and is taken back from everyone in one hop."""
        self.screen.chapter(f"Version 3 looks well, and fails {in_words(self.version_3_error_rate)}")
        follower = self._preview("3", error_rate=self.version_3_error_rate)
        self._switch(follower)
        follower.until(lambda rollout: rollout.phase == "rolled-back", "rolled back", within=BAKE_SECONDS)
        expect(follower.first_failure.seen, "version 3 should fail, but no user met a failure of it")
        follower.during(AFTER_SECONDS, holds=lambda rollout: rollout.observed == 0, what="at 0 %")
        history = follower.history()
        decided, back = first(history, "RollbackBegun").at, last(history, "WeightObserved").at
        self.findings.calls.append(RouterCall("from that verdict to everyone back", milliseconds(back, decided)))
        self.seconds_to_zero = (back - (follower.first_failure.after or back)).total_seconds()
        shares = [line.fields["share"] for line in history if line.type == "WeightObserved"]
        expect(set(shares) <= {0, 100}, f"everyone should be switched at once, but shares were {shares}")
        found = version_at(self.app.edge)
        expect(found == "2", f"everybody should be back at version 2, but met {found}")

    def users_were_served(self) -> None:
        """Nobody but version 3's users met a failure, and each share was as wanted."""
        load = self.app.stop(self._load_id)
        for version, met in self.app.served().items():
            expect(version == "3" or not met.failures, f"{met.failures} requests failed because of version {version}")
        expect(not load.lost, f"{load.lost} requests were answered by no version")
        self.findings.expect_shares()

    def _preview(self, version: str, *, error_rate: float = 0.0) -> Follower:
        """Deploy and announce a version; return once testers were there and no user was."""
        address = self.app.deploy(version, error_rate=error_rate)
        rollout_id = self.slipway.announce_plain(version, f"kiosk-{version}")
        self.screen.say(f"CI made a revision of version {version} and said so; accepted as {rollout_id}")
        follower = Follower(self.slipway, self.app, self.screen, self.stop, self._load_id, version, rollout_id)
        self.findings.meters.append(follower.meter)
        follower.until(lambda rollout: rollout.phase == "waiting", "waiting for testers", within=PREFLIGHT_SECONDS)
        found = version_at(address)
        expect(found == version, f"testers should meet version {version} at {address}, but met {found}")
        self.screen.say(f"testers meet version {found} at {address}")
        follower.during(PREVIEW_SECONDS, holds=lambda rollout: rollout.phase == "waiting", what="waiting")
        met = self.app.served().get(version)
        expect(met is None, f"no user should meet version {version} before it is approved, but {met} did")
        return follower

    def _switch(self, follower: Follower) -> None:
        """Approve the version; return once the router sends everyone there."""
        self.screen.say(f"version {follower.version}  a tester says: approve (looks well)")
        asked = datetime.now(UTC)
        self.slipway.override("approve", "looks well")
        follower.until(lambda rollout: rollout.observed == 100, "at everyone", within=SWITCH_SECONDS)
        switched = last(follower.history(), "WeightObserved")
        what = f"from version {follower.version}'s approval to everyone at it"
        self.findings.calls.append(RouterCall(what, milliseconds(switched.at, asked)))

    def _totals(self) -> tuple[tuple[str, str], ...]:
        served = sorted(self.findings.served.items())
        failed = sum(each.failures for version, each in served if version != "3")
        by_three = self.findings.served.get("3")
        back = "-" if self.seconds_to_zero is None else f"{self.seconds_to_zero:.1f} s"
        return (
            ("requests served", str(sum(each.requests for _, each in served))),
            (
                f"of them by version {', '.join(version for version, _ in served)}",
                ", ".join(str(each.requests) for _, each in served),
            ),
            ("requests failed because of version 3", str(by_three.failures if by_three else 0)),
            ("requests failed because of anything else", str(failed)),
            ("from version 3's first failure to everyone back", back),
            *((call.what, f"{call.milliseconds:.0f} ms") for call in self.findings.calls),
        )
