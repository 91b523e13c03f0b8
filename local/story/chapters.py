"""The story: a good version promotes itself, a bad one takes itself back, and a person has the last word."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rich.console import RenderableType

from local.interruption import Interruption
from local.json_calls import NoAnswerError
from local.story.closing import Findings, RouterCall, TakenBack, closing_table
from local.story.differs import StoryDiffersError
from local.story.follower import Follower
from local.story.sandbox import Sandbox
from local.story.screen import Screen
from local.story.seen import RolloutSeen
from local.story.slipway_api import SlipwayApi
from local.story.telling import Chapter, by_version, expect, first, in_words, last, milliseconds

FRESH_RPS = 200.0
RETURNING_RPS = 50.0
RETURNING_USERS = 200
PROMOTION_SECONDS = 180.0
"""A promotion takes 75 s on an idle machine."""
STEP_SECONDS = 45.0
HOLD_SECONDS = 12.0
"""Longer than a step's bake: without the pause the rollout would have gone on."""
AFTER_ZERO_SECONDS = 12.0
"""Time for each returning user to come three times, and for Slipway to count the pinned ones in a whole window."""
AFTER_PROMOTION_SECONDS = 6.0
"""Time to measure that everyone has the version: those who were held back are let go at the end."""
CI = "/ci/shop"


@dataclass(slots=True)
class Story:
    """Tells the chapters in their order. Each raises `StoryDiffersError` as soon as it goes otherwise."""

    slipway: SlipwayApi
    sandbox: Sandbox
    screen: Screen
    stop: Interruption
    version_3_error_rate: float
    findings: Findings = field(default_factory=Findings)
    _load_id: str = ""

    def chapters(self) -> tuple[Chapter, ...]:
        """Return the chapters in their order."""
        return (
            Chapter("version 1", self.users_come),
            Chapter("version 2", self.good_version),
            Chapter("version 3", self.bad_version),
            Chapter("version 4", self.person),
            Chapter("closing", self.users_were_served),
        )

    def closing(self) -> RenderableType:
        """Return all that was measured so far."""
        with suppress(StoryDiffersError, NoAnswerError):
            self.findings.served = self.sandbox.served()
        return closing_table(self.findings)

    def users_come(self) -> None:
        """Version 1 is live and users come."""
        self.screen.chapter("Version 1 is live")
        self._expect_live("1")
        self._load_id = self.sandbox.send_fresh(FRESH_RPS)
        self.stop.sleep(1.0)
        served = self.sandbox.served()
        expect(set(served) == {"1"}, f"everybody should be served by version 1, but {by_version(served)}")
        self.screen.say(f"users come, {FRESH_RPS:g} a second: {by_version(served)}")

    def good_version(self) -> None:
        """Version 2 is healthy: every step passes, and the slots are swapped."""
        self.screen.chapter("Version 2 is healthy")
        self.sandbox.deploy("2")
        follower = self._follow("2", lambda: self.slipway.announce_structured("2", CI, "build-2"))
        again = self.slipway.announce_structured("2", CI, "build-2")
        expect(again == follower.rollout_id, f"the same event again should name the same rollout, but named {again}")
        self.screen.say(f"CI's event came twice; there is one rollout, {again}")
        self._expect_promoted(follower, steps=[0, 1, 2, 3])

    def bad_version(self) -> None:
        """Version 3 fails one checkout in five, and is taken back without anybody's doing."""
        self.screen.chapter(f"Version 3 fails {in_words(self.version_3_error_rate)}")
        returning = self.sandbox.send_returning(RETURNING_RPS, RETURNING_USERS)
        self.sandbox.deploy("3", error_rate=self.version_3_error_rate)
        follower = self._follow("3", lambda: self.slipway.announce_binary("3", CI, "build-3"))
        ended = follower.until(_is_taken_back, "rolled back at its first step", within=STEP_SECONDS)
        self.findings.taken_back = self._count_harm(follower, ended, returning)
        self.sandbox.stop(returning)
        self._expect_live("2")

    def person(self) -> None:
        """Version 4: a person pauses, resumes and promotes."""
        self.screen.chapter("Version 4 in the hands of a person")
        self.sandbox.deploy("4")
        follower = self._follow("4", lambda: self.slipway.announce_plain("4", "release-4"))
        follower.until(lambda rollout: rollout.is_settled, "at its first step", within=STEP_SECONDS)
        self._pause(follower)
        self._override(follower, "resume", "lunch is over")
        follower.until(lambda rollout: rollout.phase == "progressing", "progressing again", within=STEP_SECONDS)
        asked = datetime.now(UTC)
        self._override(follower, "promote", "tested by hand")
        self._expect_promoted(follower, steps=[0, 3])
        begun = first(follower.history(), "SwapBegun")
        self.findings.calls.append(RouterCall("from promote accepted to the swap begun", milliseconds(begun.at, asked)))

    def users_were_served(self) -> None:
        """Nobody but version 3's users met a failure."""
        load = self.sandbox.stop(self._load_id)
        for version, met in self.sandbox.served().items():
            expect(version == "3" or not met.failures, f"{met.failures} requests failed because of version {version}")
        expect(not load.lost, f"{load.lost} requests were answered by no version")
        self.findings.expect_shares()

    def _follow(self, version: str, announce: Callable[[], str]) -> Follower:
        """Announce the version and note how long it takes until the router has the first weight."""
        asked = datetime.now(UTC)
        rollout_id = announce()
        self.screen.say(f"CI deployed version {version} to the slot and said so; accepted as {rollout_id}")
        follower = Follower(self.slipway, self.sandbox, self.screen, self.stop, self._load_id, version, rollout_id)
        self.findings.meters.append(follower.meter)
        follower.until(lambda rollout: rollout.observed is not None, "on its way", within=STEP_SECONDS)
        observed = first(follower.history(), "WeightObserved")
        what = f"from version {version}'s event to its weight at the router"
        self.findings.calls.append(RouterCall(what, milliseconds(observed.at, asked)))
        return follower

    def _pause(self, follower: Follower) -> None:
        self._override(follower, "pause", "lunch")
        paused = follower.until(lambda rollout: rollout.phase == "paused", "paused", within=STEP_SECONDS)
        held = f"paused at {paused.wanted:g} %"
        follower.during(
            HOLD_SECONDS,
            holds=lambda rollout: (
                (rollout.phase, rollout.wanted, rollout.observed) == ("paused", paused.wanted, paused.wanted)
            ),
            what=held,
        )
        self.screen.say(f"version {follower.version}  was {held} for {HOLD_SECONDS:g} s")

    def _override(self, follower: Follower, action: str, reason: str) -> None:
        self.screen.say(f"version {follower.version}  a person says: {action} ({reason})")
        self.slipway.override(action, reason)

    def _expect_promoted(self, follower: Follower, *, steps: list[int]) -> None:
        follower.until(lambda rollout: rollout.phase == "succeeded", "promoted", within=PROMOTION_SECONDS)
        entered = [line.fields["step"] for line in follower.history() if line.type == "StepEntered"]
        expect(entered == steps, f"version {follower.version} should go through steps {steps}, but entered {entered}")
        self._expect_live(follower.version)
        follower.during(AFTER_PROMOTION_SECONDS, holds=lambda rollout: rollout.observed == 100, what="at 100 %")

    def _count_harm(self, follower: Follower, ended: RolloutSeen, returning: str) -> TakenBack:
        """Measure for a while after the rollback: fresh clients must be spared, pinned ones are counted."""
        expect(follower.first_failure.seen, "version 3 should fail, but no user met a failure of it")
        at_zero = self.sandbox.served()["3"].failures
        before = self.sandbox.load(returning)
        follower.during(AFTER_ZERO_SECONDS, holds=lambda rollout: rollout.observed == 0, what="at 0 %")
        after = self.sandbox.load(returning)
        visits = (after.answered - before.answered) / RETURNING_USERS
        by_three = after.requests.get("3", 0) - before.requests.get("3", 0)
        zero = last(follower.history(), "WeightObserved")
        failed = self.sandbox.served()["3"].failures
        return TakenBack(
            version="3",
            failed=failed,
            seconds_to_zero=(zero.at - (follower.first_failure.after or zero.at)).total_seconds(),
            failed_after_zero=failed - at_zero,
            returning=RETURNING_USERS,
            returning_pinned=round(by_three / visits),
            cookies=self.sandbox.pinned("3"),
            pinned_until=ended.pinned_until,
            pinned_requests=follower.look().pinned_requests,
        )

    def _expect_live(self, version: str) -> None:
        live = self.sandbox.version_live()
        expect(live == version, f"production should serve version {version}, but serves {live}")
        self.screen.say(f"production serves version {live}")


def _is_taken_back(rollout: RolloutSeen) -> bool:
    if (rollout.step or 0) > 0:
        raise StoryDiffersError(
            f"version {rollout.version} should be rolled back at its first step, but that step passed: {rollout.reason}"
        )
    return rollout.phase == "rolled-back"
