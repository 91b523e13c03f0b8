"""The story of a flag: a page whose variant follows the ramp, a bad variant that is taken back, and the kill switch.

Nothing is deployed. The page asks for its flag as any application would, with OpenFeature's SDK, and reports what its
visitors met of each variant; a release drives the flag.
"""

import time
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.text import Text

from local.interruption import Interruption
from local.json_calls import NoAnswerError
from local.shop.checkout_flag import FLAG, WINDOW_SECONDS
from local.story.closing import Findings, lines_of, shares_table
from local.story.differs import StoryDiffersError
from local.story.follower import LOOK_SECONDS, Follower
from local.story.screen import Screen
from local.story.seen import RolloutSeen
from local.story.shares import chance_of
from local.story.slipway_api import SlipwayApi
from local.story.telling import Chapter, expect
from local.story.visitors import Visitors

RPS = 60.0
MAX_AGE_SECONDS = 1
"""How old the flags may be that a worker serves, in this story: five seconds is what an app has by itself."""
STANDARD_ERRORS = 3
"""How far chance may take a share from its weight, beside who was under way: beyond it once in 370 steps."""
PANEL = tuple(f"panel-{number}" for number in range(500))
PANEL_WEIGHTS = (5.0, 25.0)
"""At which weights the panel looks; once more when the release has succeeded."""
FIRST_REPORT_SECONDS = WINDOW_SECONDS + 2.0
"""A window of the page's reports and its way: no release begins before."""
RAMP_SECONDS = 90.0
"""A ramp takes about 45 s."""
BAD_SECONDS = 60.0
AFTER_SECONDS = 3.0
KILL_SECONDS = 10.0


@dataclass(slots=True)
class FlagStory:
    """Tells the chapters in their order. Each raises `StoryDiffersError` as soon as it goes otherwise."""

    slipway: SlipwayApi
    visitors: Visitors
    spec: str
    flag: str
    screen: Screen
    stop: Interruption
    bold_loses: float
    findings: Findings = field(default_factory=Findings)
    panels: dict[str, frozenset[str]] = field(default_factory=dict)
    """Who of the panel was shown `new`, by the weight in words."""
    killed_after: float | None = None
    call_seconds: float = 0.0
    _looking: tuple[str, "Future[Mapping[str, str]]"] | None = None

    def chapters(self) -> tuple[Chapter, ...]:
        """Return the chapters in their order."""
        return (
            Chapter("old", self.visitors_come),
            Chapter("new", self.good_variant),
            Chapter("bold", self.bad_variant),
            Chapter("kill switch", self.kill_switch),
            Chapter("closing", self.visitors_were_served),
        )

    def closing(self) -> RenderableType:
        """Return all that was measured so far."""
        with suppress(StoryDiffersError, NoAnswerError):
            self.findings.served = self.visitors.served()
        return Group(shares_table(self.findings.shares), Text(), lines_of(self._totals()))

    def visitors_come(self) -> None:
        """The flag serves `old` to everybody, and the page shows it."""
        self.screen.chapter("Variant old is what everybody gets")
        self.slipway.save_flag(FLAG, self.flag)
        self.slipway.register(self.spec)
        self.stop.sleep(MAX_AGE_SECONDS)  # so long a worker may serve what was before: that there is no such flag
        self.visitors.come(RPS)
        self.stop.sleep(FIRST_REPORT_SECONDS)
        shown = self.visitors.served()
        expect(set(shown) == {"old"}, f"the page should show old to everybody, but it showed {self._by_variant()}")
        self.screen.say(f"visitors come to {self.visitors.page}, {RPS:g} a second at most: {self._by_variant()}")

    def good_variant(self) -> None:
        """A release ramps `new` up; the page follows, and nobody of the panel who has it loses it."""
        self.screen.chapter("Variant new is ramped up from 1 % of the visitors to all of them")
        follower = self._announce("new")
        follower.until(self._panel_looks_and_it_succeeds, "what everybody gets", within=RAMP_SECONDS)
        follower.during(AFTER_SECONDS, holds=lambda rollout: rollout.observed == 100, what="at 100 %")
        self._send_panel("100 %")
        self._finish_panel()
        for weight in PANEL_WEIGHTS:
            expect(f"{weight:g} %" in self.panels, f"the panel should have looked at {weight:g} %, but did not")

    def bad_variant(self) -> None:
        """`bold` loses checkouts, and is taken back by itself from the few who met it."""
        self.screen.chapter(f"Variant bold loses {100 * self.bold_loses:g} % of its checkouts")
        follower = self._announce("bold")
        follower.until(lambda rollout: rollout.phase == "rolled-back", "taken back", within=BAD_SECONDS)
        self.stop.sleep(MAX_AGE_SECONDS)
        before = self.visitors.load()
        follower.during(AFTER_SECONDS, holds=lambda rollout: rollout.observed == 0, what="at 0 %")
        after = self.visitors.load()
        late = after.requests.get("bold", 0) - before.requests.get("bold", 0)
        expect(late <= before.in_flight, f"nobody should be shown bold after it was taken back, but {late} were")
        expect(after.requests["new"] > before.requests["new"], "everybody should be back at new, but nobody is")
        self.screen.say(f"bold was shown to {after.requests.get('bold', 0)} visitors; since it went everybody has new")

    def kill_switch(self) -> None:
        """One call, and the page shows the off variant within the age that flags may have."""
        self.screen.chapter("Variant new is killed by one call")
        began = time.monotonic()
        self.slipway.kill_flag(FLAG, "a person says so")
        answered = time.monotonic()
        self.call_seconds = answered - began
        took, age = f"the call took {1000 * self.call_seconds:.0f} ms", f"at most {MAX_AGE_SECONDS} s old"
        self.screen.say(f"a person says: kill; {took}, and the flags that a worker serves are {age}")
        self._until_only_old_is_shown(since=answered + MAX_AGE_SECONDS)
        last = self.visitors.came_last("new") or began
        self.killed_after = max(last - began, 0.0)
        late = last - answered
        expect(late <= MAX_AGE_SECONDS, f"somebody who came {late:.2f} s after the kill was answered was shown new")
        self.screen.say(f"the last visitor who was shown new came {self.killed_after:.2f} s after that call began")

    def visitors_were_served(self) -> None:
        """Everybody was shown a variant because of the flag, and each share was as wanted."""
        self.visitors.stop()
        load = self.visitors.load()
        expect(not load.lost, f"{load.lost} visitors were not served as the flag says: {self.visitors.trouble}")
        self.findings.expect_shares()

    def _announce(self, variant: str) -> Follower:
        rollout_id = self.slipway.announce_plain(variant, f"flag-{variant}")
        self.screen.say(f"a release of variant {variant} is asked for; accepted as {rollout_id}")
        follower = Follower(
            self.slipway,
            self.visitors,
            self.screen,
            self.stop,
            "",
            variant,
            rollout_id,
            subject=variant,
            standard_errors=STANDARD_ERRORS,
        )
        self.findings.meters.append(follower.meter)
        return follower

    def _panel_looks_and_it_succeeds(self, rollout: RolloutSeen) -> bool:
        """Send the panel at each of its weights, and say whether the release has succeeded."""
        name = f"{rollout.wanted:g} %"
        is_due = rollout.is_settled and rollout.wanted in PANEL_WEIGHTS and name not in self.panels
        if is_due and self._looking is None:
            self._send_panel(name)
        if self._looking is not None and self._looking[1].done():
            expect(self._looking[0] == name, f"the panel should be back before {name} are wanted, but was too slow")
            self._finish_panel()
        return rollout.phase == "succeeded"

    def _send_panel(self, name: str) -> None:
        self._looking = name, self.visitors.look(PANEL)

    def _finish_panel(self) -> None:
        assert self._looking is not None
        (name, looking), self._looking = self._looking, None
        while not looking.done():
            self.stop.sleep(LOOK_SECONDS)
        shown = looking.result()
        now = frozenset(visitor for visitor, variant in shown.items() if variant == "new")
        wanted, had = float(name.removesuffix(" %")), 100 * len(now) / len(PANEL)
        tolerance = chance_of(wanted, len(PANEL), STANDARD_ERRORS)
        expect(abs(had - wanted) <= tolerance, f"{wanted:g} % of the panel should have new, but {had:g} % do")
        for earlier, those in self.panels.items():
            gone = len(those - now)
            expect(not gone, f"{gone} of the panel had new at {earlier} and lost it at {name}")
        kept = "; nobody who had it lost it" if self.panels else ""
        self.panels[name] = now
        self.screen.say(f"of a panel of {len(PANEL)} visitors {len(now)} have new{kept}")

    def _until_only_old_is_shown(self, *, since: float) -> None:
        """Wait until visitors who came after a moment were shown `old`."""
        deadline = since + KILL_SECONDS
        while (self.visitors.came_last("old") or 0.0) < since + LOOK_SECONDS:
            expect(time.monotonic() < deadline, "the page should show old again, but does not")
            self.stop.sleep(LOOK_SECONDS)

    def _by_variant(self) -> str:
        shown = self.visitors.served()
        return ", ".join(f"{variant} was shown {met.requests} times" for variant, met in shown.items()) or "nothing"

    def _totals(self) -> tuple[tuple[str, str], ...]:
        served = self.findings.served
        bold = served.get("bold")
        allowed = f"allowed: the call and {MAX_AGE_SECONDS} s"
        killed = "-" if self.killed_after is None else f"{self.killed_after:.2f} s ({allowed})"
        return (
            ("visitors", str(sum(each.requests for each in served.values()))),
            (f"of them shown {', '.join(served)}", ", ".join(str(each.requests) for each in served.values())),
            *((f"of a panel of {len(PANEL)} had new at {name}", str(len(had))) for name, had in self.panels.items()),
            ("visitors who met bold", str(bold.requests if bold else 0)),
            ("checkouts that bold lost", str(bold.failures if bold else 0)),
            ("checkouts lost by anything else", str(sum(m.failures for v, m in served.items() if v != "bold"))),
            ("the call of the kill switch", f"{1000 * self.call_seconds:.0f} ms"),
            ("from that call to the last visitor shown new", killed),
        )
