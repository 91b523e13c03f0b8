"""Effects that are under way: begun, put off, and what they may still do though nobody heard of it."""

from dataclasses import replace
from datetime import datetime, timedelta

from shared.domain.rollout import events as e
from shared.domain.rollout.effects import CallHook
from shared.domain.rollout.folds.calling import call_failed, doubted
from shared.domain.rollout.folds.folding import on_live
from shared.domain.rollout.state import Application
from shared.domain.rollout.timing import CALL_LIMIT

MOMENT = timedelta(microseconds=1)
"""Each time that a row changes hands it is begun a little later than before: that tells whose it is."""


def effect_begun(state: Application, event: e.EffectBegun) -> Application:
    """An effect changes hands: what the worker before may still do is waited for before the rollout ends."""
    before = state.open_effect(event.effect)
    begun = event.at if before is None or before.begun is None else max(event.at, before.begun + MOMENT)
    effects = tuple(replace(o, begun=begun) if o.id == event.effect else o for o in state.effects)
    claimed = replace(state, effects=effects)
    if before is None or before.begun is None:
        return claimed
    if isinstance(before.effect, CallHook):
        lost = call_failed(claimed, before.effect, "the worker that called it did not say what came of that")
        return doubted(lost, before.effect, before.begun)
    return _in_doubt(claimed, before.begun, event.at)


def effect_put_off(state: Application, event: e.EffectPutOff) -> Application:
    """It is nobody's until it is due again; a call that may have been made is not forgotten."""
    before = state.open_effect(event.effect)
    put_off = replace(
        state,
        effects=tuple(
            replace(o, begun=None, due=event.due, attempt=o.attempt + event.failed) if o.id == event.effect else o
            for o in state.effects
        ),
    )
    if event.failed and before is not None and isinstance(before.effect, CallHook):
        put_off = call_failed(put_off, before.effect, event.why)
    if not event.in_doubt or before is None or before.begun is None:
        return put_off
    if isinstance(before.effect, CallHook):
        return doubted(put_off, before.effect, before.begun)
    return _in_doubt(put_off, before.begun, event.at)


def _in_doubt(state: Application, begun: datetime, at: datetime) -> Application:
    """Remember until when a call that was begun then, and of which nothing more was heard, may still land."""
    may_land = begun + CALL_LIMIT
    if may_land <= at:
        return state
    return on_live(
        state, lambda r: replace(r, settle_at=may_land if r.settle_at is None else max(r.settle_at, may_land))
    )
