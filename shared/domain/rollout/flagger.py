"""What Flagger asks of a release, and what is answered: a cluster's Canary obeys the rollout of the version it names.

There are three sorts of questions. A *gate* (`confirm-...`) makes a cluster wait, so it is a yes only when something
speaks for going on. A *check* (`pre-rollout`, `rollout`) counts against the cluster until it gives up, so a hold is no
reason to fail it: it is a no only when something speaks against the version. `rollback` is a yes only when going back
was decided. What cannot be known is no yes to any of them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.domain.analysis.judgement import Verdict
from shared.domain.names import CommandId, Version
from shared.domain.rollout.permissions import RETRYABLE
from shared.domain.rollout.state import Application, Doing, Phase, Rollout, TargetState
from shared.domain.rollout.timing import settled_until
from shared.domain.rollout.weight import ALL, NONE, Weight, to_percent

ASLEEP = timedelta(minutes=5)
"""A rollout that was to be looked at so long ago is not watched any more: what it knew is no answer for now."""

UNHEARD_WINDOWS = 3
"""So many windows after the first one was waited for, a target of which nothing was said is not known to be well: one
to the end of the window that was open when the weight was set, one until the next look, and one to spare."""


class Kind(StrEnum):
    """The types of Flagger's webhooks."""

    CONFIRM_ROLLOUT = "confirm-rollout"
    PRE_ROLLOUT = "pre-rollout"
    ROLLOUT = "rollout"
    CONFIRM_TRAFFIC_INCREASE = "confirm-traffic-increase"
    CONFIRM_PROMOTION = "confirm-promotion"
    POST_ROLLOUT = "post-rollout"
    ROLLBACK = "rollback"
    EVENT = "event"


GATES = frozenset({Kind.CONFIRM_ROLLOUT, Kind.CONFIRM_TRAFFIC_INCREASE, Kind.CONFIRM_PROMOTION})
CHECKS = frozenset({Kind.PRE_ROLLOUT, Kind.ROLLOUT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One call of a webhook of a Canary."""

    id: CommandId
    """The same for every call about one analysis of one Canary."""
    kind: Kind
    version: Version
    """What the Canary brings."""
    canary: str
    """`namespace/name`, with the cluster where it says so."""
    highest: Weight = ALL
    """The most that the Canary ever gives its version before it promotes it. Flagger does not say where it stands."""
    wave: int = 1
    failed: bool = False
    """Whether the Canary's analysis failed."""
    says: str = ""
    """The text of an event."""


class Say(StrEnum):
    """What a question is answered with."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer, and why."""

    say: Say
    why: str


class _Standing(StrEnum):
    """How a version stands with an application, the newest decision first."""

    LIVE = "is being released"
    TAKEN_BACK = "was taken back"
    PENDING = "waits its turn"
    SERVES = "serves everyone"
    STRANGE = "is not known here"


def answer(state: Application, question: Question, now: datetime) -> Answer:
    """Answer for a registered application. A pure reading of what was decided: it decides nothing."""
    standing = _standing(state, question.version)
    if question.kind is Kind.ROLLBACK:
        return Answer(Say.YES if standing is _Standing.TAKEN_BACK else Say.NO, _of(question, standing))
    if question.kind in GATES and state.frozen is not None:
        return Answer(Say.NO, f"{state.name} is frozen: {state.frozen.reason or 'no reason given'}")
    if question.kind not in GATES | CHECKS:
        return Answer(Say.YES, "taken note of")
    if standing is _Standing.LIVE and state.live is not None:
        return _of_live(state.live, question, now)
    return Answer(Say.YES if standing is _Standing.SERVES else Say.NO, _of(question, standing))


def is_alarm(state: Application, question: Question) -> bool:
    """Whether a cluster failed with the version that is being released.

    Flagger asks `post-rollout` once, when an analysis is over. Its events are no sign: the first ones of the next
    analysis still bear the phase of the one before.
    """
    failed = question.kind is Kind.POST_ROLLOUT and question.failed
    return failed and _standing(state, question.version) is _Standing.LIVE


def _standing(state: Application, version: Version) -> _Standing:
    live, last, pending = state.live, state.last, state.pending
    if live is not None and live.version == version:
        return _Standing.TAKEN_BACK if live.phase is Phase.ROLLING_BACK else _Standing.LIVE
    failed = last.version if last is not None and last.phase in RETRYABLE else None
    if version in (_given_up(state), _taken_away(state), failed):
        return _Standing.TAKEN_BACK
    if pending is not None and pending.version == version:
        return _Standing.PENDING
    return _Standing.SERVES if version in _serving(state) else _Standing.STRANGE


def _given_up(state: Application) -> Version | None:
    """Return the version that succeeded and that a person takes back now."""
    for rollout in (state.live, state.pending):
        if rollout is not None and rollout.returns and rollout.phase is not Phase.ROLLING_BACK:
            return state.last.version if state.last is not None and state.last.rollout == rollout.origin else None
    return None


def _taken_away(state: Application) -> Version | None:
    """Return the version that succeeded and that the return to the one that serves took from everyone."""
    return state.serving.before if state.serving is not None and state.serving.returned else None


def _serving(state: Application) -> set[Version | None]:
    """Return the versions that are known to serve everyone who is not sent to a candidate."""
    targets = state.live.targets if state.live is not None else ()
    stable = {target.stable_version for target in targets}
    if state.serving is not None:
        stable.add(state.serving.version)
    if state.last is not None and state.last.phase in RETRYABLE:
        stable.add(state.last.stable_version)
    return stable - {None}


def _of(question: Question, standing: _Standing) -> str:
    return f"version {question.version} {standing}"


def _of_live(live: Rollout, question: Question, now: datetime) -> Answer:
    against = _against(live) or (_held(live, question) if question.kind in GATES else None)
    if against is not None:
        return Answer(Say.NO, f"rollout {live.id} {against}")
    missing = _missing(live, now)
    if missing is not None:
        return Answer(Say.UNKNOWN, f"rollout {live.id} {missing}")
    return Answer(Say.YES, f"rollout {live.id} is {live.phase}, {live.doing}")


def _against(live: Rollout) -> str | None:
    """Say what speaks against the version, if anything does."""
    if live.doing is Doing.PREFLIGHT:
        return f"has not passed its preflight: {live.reason or 'it is being checked'}"
    for target in live.targets:
        if target.judgement is not None and target.judgement.verdict is Verdict.DEGRADED:
            return f"is degraded at {target.name}: {target.judgement.because()}"
    return None


def _missing(live: Rollout, now: datetime) -> str | None:
    """Say what would have to be known, and is not."""
    for target in live.targets:
        judgement = target.judgement
        if judgement is not None and judgement.verdict in (Verdict.NO_DATA, Verdict.ERROR):
            return f"cannot be judged at {target.name}: {judgement.because()}"
        since = _measured_since(live, target)
        if judgement is None and target.is_exposed and since is not None and _is_overdue(live, since, now):
            return f"was not measured at {target.name} since {since:%H:%M:%S} UTC"
    if live.look_at is not None and now - live.look_at > ASLEEP:
        return f"was to be looked at by {live.look_at:%H:%M:%S} UTC and was not"
    return None


def _measured_since(live: Rollout, target: TargetState) -> datetime | None:
    """Return since when this target bakes at its weight; that of users who are let go begins amid the bake."""
    if live.baking_since is None:
        return None
    return max(live.baking_since, target.analysis.good_since or live.baking_since)


def _is_overdue(live: Rollout, since: datetime, now: datetime) -> bool:
    """Whether the first window of a weight should have been judged by now, even as one that nothing came for."""
    if live.spec is None:
        return False
    measuring = live.spec.measuring
    return settled_until(measuring, now) - UNHEARD_WINDOWS * measuring.window > since


def _held(live: Rollout, question: Question) -> str | None:
    """Say what makes a gate wait, if anything does."""
    if live.stuck is not None:
        return f"is stuck: {live.stuck}"
    if live.phase is Phase.PAUSED:
        return f"is paused: {live.reason or 'no reason given'}"
    if live.phase not in (Phase.PROGRESSING, Phase.PROMOTING) or live.held_since is not None:
        return f"is {live.phase}: {'its clocks are stopped' if live.held_since else live.doing}"
    reached = _wave(live)
    if reached == 0:
        return "sends nobody to its version yet"
    if question.wave > reached:
        return f"is at wave {reached}, and this Canary belongs to wave {question.wave}"
    if question.kind is Kind.CONFIRM_TRAFFIC_INCREASE:
        proven = min((target.proven for target in live.targets), default=NONE)
        if question.highest > proven:
            return f"has proven {to_percent(proven):g} %, and this Canary goes up to {to_percent(question.highest):g} %"
    if question.kind is Kind.CONFIRM_PROMOTION and live.doing is not Doing.RELEASING:
        return f"is {live.doing}: its promotion has not been judged healthy yet"
    return None


def _wave(live: Rollout) -> int:
    """Return the last wave whose users are sent to the candidate; 0 before the first."""
    assert live.spec is not None
    return max((live.spec.target(each.name).wave for each in live.targets if each.is_exposed), default=0)
