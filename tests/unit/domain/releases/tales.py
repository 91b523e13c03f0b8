"""Tales of releases in which every event happens, for the stored forms."""

from datetime import timedelta

from shared.domain.names import ApplicationName
from shared.domain.releases.commands import CommandGiven, ReleaseAction
from shared.domain.rollout.membership import END, PROMOTION, Hold, Stage, Standing
from tests.unit.domain.releases.tale import Tale, override


def paused_reminded_and_succeeded() -> Tale:
    """Held by a freeze, paused over a day, refused what made no sense, and well in the end."""
    tale = Tale("db", "web").wait_at(1, "db")
    tale.report("web", Standing.WAITING, stage=Stage(1), hold=Hold.FROZEN)
    tale.tell(override(ReleaseAction.PAUSE))
    for _ in range(31):
        tale.report("db", Standing.WAITING, stage=Stage(1))
        tale.report("web", Standing.WAITING, stage=Stage(1), hold=Hold.FROZEN)
        tale.pass_time(timedelta(minutes=50))
    tale.tell(override(ReleaseAction.PAUSE))
    tale.tell(override(ReleaseAction.RESUME))
    for stage in (Stage(1), PROMOTION, END):
        tale.wait_at(stage, "db", "web")
        tale.give()
        tale.news()
    tale.report("db", Standing.SUCCEEDED)
    tale.report("web", Standing.SUCCEEDED)
    return tale


def taken_back_past_one_that_is_late() -> Tale:
    """The last one is not back in time, the first one was never asked to begin; it still goes back."""
    tale = Tale("db", "web").wait_at(1, "web")
    tale.tell(override(ReleaseAction.ROLLBACK))
    for _ in range(5):
        tale.pass_time(timedelta(minutes=15))
    [row] = [row for row in tale.state.commands if row.application == "db"][-1:]
    tale.tell(CommandGiven(row.id, never_began=ApplicationName("db")))
    return tale


TALES = {
    "paused-reminded-and-succeeded": paused_reminded_and_succeeded,
    "taken-back-past-one-that-is-late": taken_back_past_one_that_is_late,
}
