"""A decision in a few words, as the table of commands and phases writes it."""

from collections.abc import Iterable, Iterator

from shared.domain.rollout import events as e
from shared.domain.rollout.draft import Decision
from shared.domain.rollout.plan import AwaitApproval, Compare, Prepare, Promote, RunHook, Shift, Step
from shared.domain.rollout.state import Application, Rollout
from shared.domain.rollout.weight import to_percent

REFUSALS = {
    "no live": "no rollout is live",
    "pending": "is pending: only abort ends it",
    "paused": "it is paused already",
    "not paused": "it is not paused but",
    "swap": "a swap is under way and cannot be paused: use rollback",
    "no gate": "it does not wait at a gate",
    "approved": "the gate was approved already",
    "preflight": "preflight has not passed yet",
    "shifting": "traffic is being shifted: wait until it has arrived",
    "promoting": "promotion has begun",
    "ending": "its promotion is ending and cannot be paused: use rollback",
    "going back": "is rolling back and nothing stops that",
    "returning": "is going back to",
    "frozen": "it is frozen",
    "not frozen": "it is not frozen",
    "nothing to retry": "there is nothing to retry",
    "never": "there is no rollout to retry",
    "nothing to take back": "there is nothing to take back",
    "busy": "rollout shop-",
    "no spec": "the application has no release spec",
    "coming": "brings",
    "reject": "the spec says whenBusy: reject",
    "gate": "it waits at a gate, which is approved or rejected",
    "went back": "is what you went back to",
}
"""Each word for a refusal, and a part of the sentence that people read."""


def in_short(before: Application, decision: Decision) -> str:
    """Return the recorded facts of a decision in a few words; `-` when there are none."""
    return ", ".join(_words(before, decision)) or "-"


def _words(before: Application, decision: Decision) -> Iterator[str]:
    live = decision.state.live or before.live
    for event in decision.events:
        yield from _word(event, live)


def _word(event: e.Event, live: Rollout | None) -> Iterable[str]:
    match event:
        case e.CommandRefused() | e.DeploymentRefused():
            return (f"no: {_refusal(event.reason)}",)
        case e.DeploymentAccepted():
            return ("returns" if event.returns else "retries" if event.origin else "accepts",)
        case e.RolloutStarted():
            return ("starts",)
        case e.StepEntered():
            return (_step(live.plan[event.step], live),) if live else ()
        case e.RolloutPaused():
            return ("pauses",)
        case e.RolloutResumed():
            return ("resumes",)
        case e.RollbackBegun():
            return (f"back, then {event.ending.phase}",)
        case e.RolloutEnded():
            return (f"ends {event.ending.phase}",)
        case e.AlertReceived():
            return ("notes",)
        case e.Looked() | e.EffectClosed() | e.EffectBegun() | e.TargetJudged() | e.PinnedPutOff():
            return ()
        case _:
            return (_PLAIN[type(event)],)


_PLAIN: dict[type, str] = {
    e.SpecAccepted: "takes the spec",
    e.TargetPinned: "traffic is pinned",
    e.GateApproved: "approves",
    e.ApplicationFrozen: "freezes",
    e.ApplicationUnfrozen: "unfreezes",
    e.PreflightPassed: "preflight passes",
    e.StepPassed: "step passes",
    e.BakeExtended: "bakes on",
    e.BakeSkipped: "skips the bake",
    e.ConcernRaised: "warns",
    e.HoldBackEnded: "holds nobody back",
    e.WeightObserved: "weight is there",
    e.AudienceObserved: "audience is there",
    e.AudienceMoved: "audience moved",
    e.PreviewObserved: "preview is there",
    e.PreviewMoved: "preview moved",
    e.ExperimentEnded: "experiment ends",
    e.BakeStarted: "bakes",
    e.SwapBegun: "swap begun",
    e.SwapFailed: "swap failed",
    e.SideVerified: "production verified",
    e.ZeroReached: "zero reached",
    e.DriftFound: "drift",
    e.CandidateReplaced: "candidate replaced",
    e.StuckFlagged: "stuck",
    e.StuckCleared: "not stuck",
    e.EffectPutOff: "tries again",
    e.PauseReminded: "reminds",
    e.FreezeReminded: "reminds",
    e.PinnedCounted: "counts the pinned",
    e.Descended: "goes back a step",
    e.RolloutHeld: "waits for a window",
    e.WarmthEnded: "lets the old one go",
    e.WarmOverwritten: "the old one is overwritten",
    e.WindowSkipped: "passes the window",
    e.HookBegun: "calls",
    e.HookHeard: "hears",
    e.ReleaseTold: "tells of its release",
    e.HookEnded: "has an answer",
    e.NotificationDropped: "drops the tiding",
}


def _step(step: Step, live: Rollout) -> str:
    match step:
        case Shift():
            return f"shifts to {to_percent(step.weight):g} %"
        case Compare():
            return "compares"
        case Prepare():
            return "prepares"
        case Promote():
            return "swaps" if any(target.swaps for target in live.targets) else "sends most to it"
        case RunHook():
            return "runs a hook"
        case AwaitApproval():
            return "asks a person"


def _refusal(reason: str) -> str:
    """Return the most telling word whose sentence this is."""
    found = [(word, part) for word, part in REFUSALS.items() if part in reason]
    assert found, f"no word for: {reason}"
    return max(found, key=lambda pair: len(pair[1]))[0]
