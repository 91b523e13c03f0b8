"""The story of two applications as one release: they go on together, and what one cannot keep, both give back.

The shop is a site with slots, the kiosk a Container App. Each has users of its own, and is judged on what they meet.
"""

import time
from contextlib import suppress
from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.text import Text

from local.interruption import Interruption
from local.json_calls import NoAnswerError
from local.story.closing import Findings, RouterCall, lines_of, shares_table
from local.story.crowd import Crowd
from local.story.differs import StoryDiffersError
from local.story.follower import LOOK_SECONDS, Follower
from local.story.sandbox import Sandbox
from local.story.sandbox_app import SandboxApp, version_at
from local.story.screen import Screen
from local.story.seen import ReleaseSeen
from local.story.slipway_api import SlipwayApi
from local.story.telling import Chapter, by_version, expect, first, in_words, last, milliseconds

RPS = 60.0
BEGIN_SECONDS = 30.0
RELEASE_SECONDS = 100.0
"""A release takes about 35 s."""
AFTER_SECONDS = 4.0


@dataclass(slots=True)
class Member:
    """An application of the release, and its users."""

    slipway: SlipwayApi
    crowd: Crowd
    load_id: str

    @property
    def name(self) -> str:
        """The application's name."""
        return self.slipway.application


@dataclass(slots=True)
class TogetherStory:
    """Tells the chapters in their order. Each raises `StoryDiffersError` as soon as it goes otherwise."""

    shop_api: SlipwayApi
    kiosk_api: SlipwayApi
    shop: Sandbox
    specs: dict[str, str]
    """The release spec of each application, in YAML."""
    screen: Screen
    stop: Interruption
    version_3_error_rate: float
    findings: Findings = field(default_factory=Findings)
    members: list[Member] = field(default_factory=list)
    _kiosk: SandboxApp | None = None
    _shown: str = ""

    def chapters(self) -> tuple[Chapter, ...]:
        """Return the chapters in their order."""
        return (
            Chapter("version 1", self.users_come),
            Chapter("version 2", self.both_are_well),
            Chapter("version 3", self.one_is_bad),
            Chapter("closing", self.users_were_served),
        )

    def closing(self) -> RenderableType:
        """Return all that was measured so far."""
        return Group(shares_table(self.findings.shares), Text(), lines_of(tuple(self._totals())))

    @property
    def kiosk(self) -> SandboxApp:
        """The kiosk, once the first chapter has made it."""
        assert self._kiosk is not None
        return self._kiosk

    def users_come(self) -> None:
        """Version 1 of both is live, and users come to both."""
        self.screen.chapter("Version 1 of the shop and of the kiosk is live")
        self._kiosk = SandboxApp.create(self.shop.management, self.kiosk_api.application)
        places: tuple[tuple[SlipwayApi, Crowd], ...] = ((self.shop_api, self.shop), (self.kiosk_api, self.kiosk))
        for slipway, crowd in places:
            slipway.register(self.specs[slipway.application])
            self.members.append(Member(slipway, crowd, crowd.send_fresh(RPS)))
        self.stop.sleep(1.0)
        for member in self.members:
            served = member.crowd.served()
            expect(set(served) == {"1"}, f"version 1 of {member.name} should serve everybody, but {by_version(served)}")
            self.screen.say(f"users come to the {member.name}, {RPS:g} a second: {by_version(served)}")

    def both_are_well(self) -> None:
        """Version 2 of both: neither is ahead of the other, and both succeed."""
        self.screen.chapter("Version 2 of both belongs together")
        release, followers = self._release("2", kiosk_error_rate=0.0)
        ended = self._follow(release, followers)
        expect(ended.phase == "succeeded", f"the release should succeed, but is {ended.phase}: {ended.reason}")
        stages = [line.fields["stage"] for line in self.shop_api.release_history(release) if line.type == "StageOpened"]
        expect(stages == ["weight 1", "the promotion", "the end"], f"stages should open in turn, but opened {stages}")
        self._watch(followers, 100)
        self._expect_serving("2")

    def one_is_bad(self) -> None:
        """Version 3 of the kiosk is bad: the shop, which is well, is taken back with it, after it."""
        rate = in_words(self.version_3_error_rate)
        self.screen.chapter(f"Version 3 of the shop is well, that of the kiosk fails {rate}")
        release, followers = self._release("3", kiosk_error_rate=self.version_3_error_rate)
        ended = self._follow(release, followers)
        expect(ended.phase == "rolled-back", f"the release should be taken back, but is {ended.phase}: {ended.reason}")
        self.screen.say(f"the release is taken back: {ended.reason}")
        shop, kiosk = (follower.history() for follower in followers)
        kiosk_back, shop_back = last(kiosk, "WeightObserved").at, last(shop, "WeightObserved").at
        expect(kiosk_back <= first(shop, "RollbackBegun").at, "the kiosk should be back before the shop goes back")
        decided = first(kiosk, "RollbackBegun").at
        calls = (("the kiosk", kiosk_back), ("the shop", shop_back))
        for name, at in calls:
            self.findings.calls.append(RouterCall(f"from that verdict to {name} back", milliseconds(at, decided)))
        self._watch(followers, 0)
        self._expect_serving("2")

    def users_were_served(self) -> None:
        """Nobody but the users of the kiosk's version 3 met a failure, and each share was as wanted."""
        for member in self.members:
            load = member.crowd.stop(member.load_id)
            expect(not load.lost, f"{load.lost} requests to the {member.name} were answered by no version")
            for version, met in member.crowd.served().items():
                is_bad = (member.name, version) == (self.kiosk_api.application, "3")
                expect(is_bad or not met.failures, f"{met.failures} failed because of {member.name} {version}")
        self.findings.expect_shares()

    def _release(self, version: str, *, kiosk_error_rate: float) -> tuple[str, list[Follower]]:
        """Deploy a version of both and release them as one; return once both have begun."""
        self.shop.deploy(version)
        self.kiosk.deploy(version, error_rate=kiosk_error_rate)
        names = [member.name for member in self.members]
        release = self.shop_api.announce_together(dict.fromkeys(names, version), f"both-{version}")
        self.screen.say(f"CI deployed version {version} of both and said that they belong together: release {release}")
        ends = time.monotonic() + BEGIN_SECONDS
        while "expected" in (seen := self.shop_api.release(release)).standings.values():
            expect(time.monotonic() < ends, f"both should have begun within {BEGIN_SECONDS:g} s")
            self.stop.sleep(LOOK_SECONDS)
        followers = [self._follower(member, version, seen.rollouts[member.name]) for member in self.members]
        return release, followers

    def _follower(self, member: Member, version: str, rollout: str) -> Follower:
        subject = f"{member.name} {version}"
        follower = Follower(
            member.slipway, member.crowd, self.screen, self.stop, member.load_id, version, rollout, subject
        )
        self.findings.meters.append(follower.meter)
        return follower

    def _follow(self, release: str, followers: list[Follower]) -> ReleaseSeen:
        """Follow all of them until the release has ended."""
        ends = time.monotonic() + RELEASE_SECONDS
        while not (seen := self.shop_api.release(release)).has_ended:
            self._say_opened(seen)
            for follower in followers:
                follower.look()
            expect(time.monotonic() < ends, f"the release should end within {RELEASE_SECONDS:g} s, but is {seen.phase}")
            self.stop.sleep(LOOK_SECONDS)
        for follower in followers:
            follower.look()
        self.screen.say(f"release {release}  {seen.phase}")
        return seen

    def _say_opened(self, seen: ReleaseSeen) -> None:
        if seen.opened and seen.opened != self._shown:
            self._shown = seen.opened
            self.screen.say(f"release {seen.id}  both are ready: {seen.opened} is opened")

    def _watch(self, followers: list[Follower], share: float) -> None:
        """Measure for a while that all users of both are where they should be."""
        ends = time.monotonic() + AFTER_SECONDS
        while time.monotonic() < ends:
            for follower in followers:
                observed = follower.look().observed
                expect(observed == share, f"{follower.subject} should be at {share:g} %, but is at {observed} %")
            self.stop.sleep(LOOK_SECONDS)

    def _expect_serving(self, version: str) -> None:
        found = {"shop": self.shop.version_live(), "kiosk": version_at(self.kiosk.edge)}
        expect(set(found.values()) == {version}, f"both should serve version {version}, but serve {found}")
        self.screen.say(f"shop and kiosk serve version {version}")

    def _totals(self) -> list[tuple[str, str]]:
        rows: list[tuple[str, str]] = []
        for member in self.members:
            with suppress(StoryDiffersError, NoAnswerError):
                for version, met in sorted(member.crowd.served().items()):
                    rows.append((f"{member.name} {version}", f"{met.requests} requests, {met.failures} failed"))
        return [*rows, *((call.what, f"{call.milliseconds:.0f} ms") for call in self.findings.calls)]
