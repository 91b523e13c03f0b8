"""What is tried in each situation: the columns of the tables of commands and phases."""

from collections.abc import Callable
from datetime import timedelta

from shared.domain.names import EffectId
from shared.domain.rollout.commands import (
    Action,
    Command,
    EffectDone,
    EffectFailed,
    EffectWaits,
    SwapNotNeeded,
    SwapWasBegun,
    Tick,
    WeightWasSet,
)
from shared.domain.rollout.effects import BeginSwap, SetWeight
from shared.domain.rollout.needs import place_of_candidate
from shared.domain.rollout.spec import AlertAction, Outcome, Place, WhenBusy
from shared.domain.rollout.weight import Weight
from tests.unit.domain.in_short import in_short
from tests.unit.domain.outside import BAD, IDLE
from tests.unit.domain.situations import situation
from tests.unit.domain.specs import spec
from tests.unit.domain.states import Story, alert, deploy, override

Trial = Callable[..., str]
"""Takes a situation's name, and whether it is frozen and whether a rollout waits its turn; returns what came of it."""


def _told(story: Story, command: Command) -> str:
    before = story.state
    return in_short(before, story.tell(command))


def overridden(action: Action) -> Trial:
    return lambda name, **also: _told(situation(name, **also), override(action))


def deployed(when_busy: WhenBusy, version: str) -> Trial:
    return lambda name, **also: _told(situation(name, spec(when_busy=when_busy), **also), deploy(version, 7))


def alerted(on_alert: AlertAction, *, fired: bool) -> Trial:
    return lambda name, **also: _told(situation(name, spec(on_alert=on_alert), **also), alert(fired=fired))


def answered(answer: Callable[[Story], Command | None]) -> Trial:
    def trial(name: str, **also: bool) -> str:
        story = situation(name, **also)
        outcome = answer(story)
        return _told(story, outcome) if outcome is not None else ""

    return trial


def looked(later: timedelta, see: Callable[[Story], None], otherwise: Outcome = Outcome.ROLLBACK) -> Trial:
    def trial(name: str, **also: bool) -> str:
        story = situation(name, spec(otherwise=otherwise), **also)
        see(story)
        before = story.wait(later).state
        decision = story.tell(Tick())
        return in_short(before, story.tell(Tick()) if story.goes_on_at_once() else decision)

    return trial


def nothing_new(_: Story) -> None:
    return


def well(story: Story) -> None:
    """Whatever was in the way is gone; a swap that ran has ended."""
    story.site.trouble, story.site.healthy = None, True
    story.site.finish_swap()


def degraded(story: Story) -> None:
    well(story)
    story.site.users_meet = BAD


def without_requests(story: Story) -> None:
    well(story)
    story.site.users_meet = IDLE


def overwritten(story: Story) -> None:
    """CI puts another version where the candidate is."""
    well(story)
    live = story.state.live
    story.site.put(place_of_candidate(live.targets[0]) if live is not None else Place.CANDIDATE, "9")


def unreadable(story: Story) -> None:
    story.site.trouble = "503"


def weight_set(earlier: int = 0, share: int | None = None) -> Callable[[Story], Command | None]:
    def answer(story: Story) -> Command | None:
        rows = story.rows(SetWeight)
        if not rows:
            return None
        said = Weight(story.web.share() if share is None else share)
        return WeightWasSet(rows[0].id, story.web.generation - earlier, said)

    return answer


def swap_begun(earlier: int = 0) -> Callable[[Story], Command | None]:
    return _of_swap(lambda story, row: SwapWasBegun(row, story.web.generation - earlier, "swap-7"))


def swap_not_needed(earlier: int = 0) -> Callable[[Story], Command | None]:
    return _of_swap(lambda story, row: SwapNotNeeded(row, story.web.generation - earlier))


def failed(*, for_good: bool = False, in_doubt: bool = False, attempts: int = 1) -> Callable[[Story], Command | None]:
    def answer(story: Story) -> Command | None:
        rows = story.rows()
        if not rows:
            return None
        outcome = EffectFailed(rows[0].id, "503", for_good=for_good, in_doubt=in_doubt)
        for _ in range(attempts - 1):
            story.tell(outcome)
        return outcome

    return answer


def waits(story: Story) -> Command | None:
    return EffectWaits(story.rows()[0].id, "a swap is running", 3) if story.rows() else None


def done(story: Story) -> Command | None:
    return EffectDone(story.rows()[0].id) if story.rows() else None


def unknown_row(_: Story) -> Command:
    return WeightWasSet(EffectId("9999999999"), 1, Weight(5_000))


def _of_swap(answer: Callable[[Story, EffectId], Command]) -> Callable[[Story], Command | None]:
    return lambda story: answer(story, story.rows(BeginSwap)[0].id) if story.rows(BeginSwap) else None


NOW, SOON, FAR = timedelta(0), timedelta(minutes=5), timedelta(hours=25)

OVERRIDES: dict[str, Trial] = {action.value: overridden(action) for action in Action}
DEPLOYMENTS: dict[str, Trial] = {
    f"{when_busy}, {said}": deployed(when_busy, version)
    for when_busy in WhenBusy
    for said, version in (("same version", "2"), ("another", "4"))
}
ALERTS: dict[str, Trial] = {
    f"{action}, {'fired' if fired else 'resolved'}": alerted(action, fired=fired)
    for action in AlertAction
    for fired in (True, False)
}
ANSWERS: dict[str, Trial] = {
    "weight set": answered(weight_set()),
    "set, earlier level": answered(weight_set(earlier=1)),
    "set, but still 5 %": answered(weight_set(share=5_000)),
    "swap begun": answered(swap_begun()),
    "begun, earlier level": answered(swap_begun(earlier=1)),
    "swap not needed": answered(swap_not_needed()),
    "not needed, earlier level": answered(swap_not_needed(earlier=1)),
    "failed": answered(failed()),
    "failed 5 times": answered(failed(attempts=5)),
    "no answer": answered(failed(in_doubt=True)),
    "refused": answered(failed(for_good=True)),
    "not yet": answered(waits),
    "done": answered(done),
    "unknown row": answered(unknown_row),
}
LOOKS: dict[str, Trial] = {
    "at once": looked(NOW, nothing_new),
    "all well": looked(SOON, well),
    "degraded": looked(SOON, degraded),
    "no requests": looked(SOON, without_requests),
    "overwritten": looked(SOON, overwritten),
    "unreadable": looked(SOON, unreadable),
    "for a day, rollback": looked(FAR, unreadable),
    "for a day, pause": looked(FAR, unreadable, Outcome.PAUSE),
}
