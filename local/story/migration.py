"""The story of a release with a database: expanded before the first user, contracted when the old version is gone.

Then the same with an expansion that the old version cannot live with: beyond that point a bad version is not taken back
by itself. It is held where it is, and a person is paged.
"""

import time
from collections.abc import Callable
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
from local.story.other_side import Called, OtherSide
from local.story.sandbox import Sandbox
from local.story.screen import Screen
from local.story.slipway_api import SlipwayApi
from local.story.telling import Chapter, by_version, expect, first, in_words, last, milliseconds

RPS = 100.0
RELEASE_SECONDS = 90.0
"""A release takes about 25 s."""
KEEP_WARM_SECONDS = 10.0
CONTRACT_SECONDS = 45.0
PAGE_SECONDS = 20.0
HOLD_SECONDS = 5.0
"""Time to see that it is held, and not taken back."""


@dataclass(slots=True)
class MigrationStory:
    """Tells the chapters in their order. Each raises `StoryDiffersError` as soon as it goes otherwise."""

    slipway: SlipwayApi
    sandbox: Sandbox
    side: OtherSide
    spec: str
    """The release spec, with `{hooks}` where the other side's address is to stand."""
    screen: Screen
    stop: Interruption
    version_3_error_rate: float
    findings: Findings = field(default_factory=Findings)
    rows: list[tuple[str, str]] = field(default_factory=list)
    _load_id: str = ""
    _over: datetime | None = None
    """When version 2 had succeeded."""

    def chapters(self) -> tuple[Chapter, ...]:
        """Return the chapters in their order."""
        return (
            Chapter("version 1", self.users_come),
            Chapter("version 2", self.with_a_way_back),
            Chapter("contract", self.old_version_goes),
            Chapter("version 3", self.beyond_return),
            Chapter("closing", self.users_were_served),
        )

    def closing(self) -> RenderableType:
        """Return all that was measured so far."""
        with suppress(StoryDiffersError, NoAnswerError):
            self.findings.served = self.sandbox.served()
        return Group(shares_table(self.findings.shares), Text(), lines_of(self._totals()))

    def users_come(self) -> None:
        """Version 1 is live, users come, and the spec names a migration."""
        self.screen.chapter("Version 1 is live, and its database is to change")
        self.slipway.register(self.spec.replace("{hooks}", self.side.url))
        self._load_id = self.sandbox.send_fresh(RPS)
        self.stop.sleep(1.0)
        served = self.sandbox.served()
        expect(set(served) == {"1"}, f"everybody should be served by version 1, but {by_version(served)}")
        self.screen.say(f"users come, {RPS:g} a second: {by_version(served)}")

    def with_a_way_back(self) -> None:
        """Version 2 waits for its expansion, then is released; the old version is kept warm."""
        self.screen.chapter("Version 2 needs a column more: expand, release")
        follower = self._announce("2")
        follower.until(lambda rollout: rollout.phase == "succeeded", "promoted", within=RELEASE_SECONDS)
        expand = self._expect_done_once("expand", "2")
        met = first(follower.history(), "WeightObserved").at
        expect(expand.ended is not None and expand.ended < met, "users should come only when the database is expanded")
        self.rows.append(("expand, from its call to its callback", _seconds(expand.ended, expand.began)))
        self.rows.append(("from that callback to version 2's first weight", _seconds(met, expand.ended)))
        self._over = last(follower.history(), "RolloutEnded").at

    def old_version_goes(self) -> None:
        """When the old version is not kept warm any more, the database loses what only it needed."""
        self.screen.chapter(f"Version 1 is kept warm for {KEEP_WARM_SECONDS:g} s: contract")
        self._wait_for_contract()
        contract = self._expect_done_once("contract", "2")
        assert self._over is not None
        waited = (contract.began - self._over).total_seconds()
        expect(waited >= KEEP_WARM_SECONDS, f"version 1 should be kept warm, but contract came after {waited:.1f} s")
        self.screen.say(f"contract was called {waited:.1f} s after version 2 had succeeded")
        refusal = self.slipway.refused("rollback", "just to see")
        self.screen.say(f"a person says: rollback; answered 409: {refusal}")
        self.rows.append(("from version 2's success to contract", f"{waited:.1f} s"))

    def beyond_return(self) -> None:
        """Version 3 is bad behind a point of no return: held, a person paged, who then decides."""
        self.screen.chapter(f"Version 3 drops a column first, and fails {in_words(self.version_3_error_rate)}")
        spec = self.spec.replace("{hooks}", self.side.url)
        self.slipway.register(spec.replace("  contract:", "    pointOfNoReturn: true\n  contract:", 1))
        follower = self._announce("3", error_rate=self.version_3_error_rate)
        paused = follower.until(lambda rollout: rollout.phase == "paused", "held", within=RELEASE_SECONDS)
        expect("point of no return" in paused.reason, f"it should say why it is held, but says: {paused.reason}")
        self.screen.say(f"version 3  is held: {paused.reason}")
        held = paused.wanted
        follower.during(
            HOLD_SECONDS,
            holds=lambda rollout: (rollout.phase, rollout.observed) == ("paused", held),
            what=f"held at {held:g} %",
        )
        self._expect_paged(last(follower.history(), "RolloutPaused").at)
        asked = datetime.now(UTC)
        self.screen.say("version 3  a person says: rollback (the column is restored)")
        self.slipway.override("rollback", "the column is restored")
        follower.until(lambda rollout: rollout.phase == "rolled-back", "rolled back", within=RELEASE_SECONDS)
        back = last(follower.history(), "WeightObserved").at
        self.findings.calls.append(RouterCall("from that rollback to everyone back", milliseconds(back, asked)))
        follower.during(HOLD_SECONDS, holds=lambda rollout: rollout.observed == 0, what="at 0 %")
        live = self.sandbox.version_live()
        expect(live == "2", f"production should serve version 2, but serves {live}")

    def users_were_served(self) -> None:
        """Nobody but version 3's users met a failure, and each share was as wanted."""
        load = self.sandbox.stop(self._load_id)
        for version, met in self.sandbox.served().items():
            expect(version == "3" or not met.failures, f"{met.failures} requests failed because of version {version}")
        expect(not load.lost, f"{load.lost} requests were answered by no version")
        expect(not self.side.refused, f"{self.side.refused} calls were not signed")
        expect(not self.side.troubles, "; ".join(self.side.troubles))
        self.findings.expect_shares()

    def _announce(self, version: str, *, error_rate: float = 0.0) -> Follower:
        self.sandbox.deploy(version, error_rate=error_rate)
        rollout_id = self.slipway.announce_plain(version, f"migrated-{version}")
        self.screen.say(f"CI deployed version {version} to the slot and said so; accepted as {rollout_id}")
        follower = Follower(self.slipway, self.sandbox, self.screen, self.stop, self._load_id, version, rollout_id)
        self.findings.meters.append(follower.meter)
        return follower

    def _wait_for_contract(self) -> None:
        def is_done() -> bool:
            call = self.side.called("contract", "2")
            return call is not None and call.ended is not None

        self._wait_until(is_done, "contract should be called and done", within=CONTRACT_SECONDS)

    def _wait_until(self, holds: Callable[[], bool], what: str, *, within: float) -> None:
        ends = time.monotonic() + within
        while not holds():
            expect(time.monotonic() < ends, f"{what} within {within:g} s")
            self.stop.sleep(0.1)

    def _expect_done_once(self, hook: str, version: str) -> Called:
        call = self.side.called(hook, version)
        if call is None or call.ended is None:
            raise StoryDiffersError(f"{hook} should be done for version {version}, but {'; '.join(self.side.troubles)}")
        expect(call.times == 1, f"{hook} should be called once, but was {call.times} times")
        self.screen.say(f"{hook} was called once as {call.id}, signed, and called back")
        return call

    def _expect_paged(self, decided: datetime) -> None:
        self._wait_until(lambda: bool(self.side.pages), "a person should be paged", within=PAGE_SECONDS)
        at, text = self.side.pages[0]
        expect(at >= decided, f"a person was paged for nothing: {text}")
        self.screen.say(f"a person is paged: {text}")
        self.findings.calls.append(RouterCall("from that verdict to a person's pager", milliseconds(at, decided)))

    def _totals(self) -> tuple[tuple[str, str], ...]:
        served = sorted(self.findings.served.items())
        by_three = self.findings.served.get("3")
        return (
            ("requests served", str(sum(each.requests for _, each in served))),
            (
                f"of them by version {', '.join(version for version, _ in served)}",
                ", ".join(str(each.requests) for _, each in served),
            ),
            ("requests failed because of version 3", str(by_three.failures if by_three else 0)),
            ("requests failed because of anything else", str(sum(met.failures for v, met in served if v != "3"))),
            *self.rows,
            *((call.what, f"{call.milliseconds:.0f} ms") for call in self.findings.calls),
        )


def _seconds(at: datetime | None, since: datetime | None) -> str:
    return "-" if at is None or since is None else f"{(at - since).total_seconds():.1f} s"
