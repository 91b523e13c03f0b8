"""A rollout moves the split of one rule, or of the default, of a flag, and nobody else meanwhile."""

from dataclasses import replace

from shared.domain.errors import RejectedError
from shared.domain.flags.managing import events as e
from shared.domain.flags.managing.commands import Drive, Release
from shared.domain.flags.managing.draft import FlagDraft
from shared.domain.flags.managing.serves import rule_of, serve_of
from shared.domain.flags.managing.state import Driver, FlagState
from shared.domain.flags.model import WHOLE, Flag, Serve, Share, Split
from shared.domain.names import VariantName


def drive(draft: FlagDraft, command: Drive) -> None:
    """Give the candidate its weight. The same weight again is nothing new.

    Raises `RejectedError` when another rollout drives the flag, or it has no such rule or variant.
    """
    flag = draft.existing()
    why_not = _refusal(draft.state, flag, command)
    if why_not is not None:
        raise RejectedError(why_not)
    driver = Driver(rollout=command.rollout, rule=command.rule, candidate=command.candidate, stable=command.stable)
    if draft.state.driver is None:
        draft.record(e.DriveBegun(at=draft.now, driver=driver))
    serve = _split(flag, command)
    if serve != serve_of(flag, command.rule):
        draft.record(
            e.FlagDriven(
                at=draft.now,
                rollout=command.rollout,
                revision=draft.state.revision + 1,
                weight=command.weight,
                serve=serve,
            )
        )


def release(draft: FlagDraft, command: Release) -> None:
    """Let others write again. A split that has come to an end becomes its one variant."""
    state = draft.state
    if state.driver is None or state.driver.rollout != command.rollout or state.flag is None:
        return
    before = serve_of(state.flag, state.driver.rule)
    after = _settled(before)
    revision = state.revision + (after != before)
    assert after is not None
    draft.record(e.FlagReleased(at=draft.now, rollout=command.rollout, revision=revision, serve=after))


def refusal_of_others(state: FlagState, wanted: Flag) -> str | None:
    """Say why somebody else than the rollout cannot make the flag this, or None when what it drives stays as it is."""
    driver, flag = state.driver, state.flag
    if driver is None or flag is None:
        return None
    if (
        serve_of(flag, driver.rule) == serve_of(wanted, driver.rule)
        and _audience_of(flag, driver.rule) == _audience_of(wanted, driver.rule)
        and all(_value_of(flag, name) == _value_of(wanted, name) for name in (driver.candidate, driver.stable))
    ):
        return None
    return f"rollout {driver.rollout} drives {_named(driver.rule)}: end it first; the kill switch works meanwhile"


def refusal_to_archive(state: FlagState) -> str | None:
    """Say why the flag cannot be archived now, or None."""
    if state.driver is None:
        return None
    return f"rollout {state.driver.rollout} drives {_named(state.driver.rule)}: end it first"


def _refusal(state: FlagState, flag: Flag, command: Drive) -> str | None:
    driver = state.driver
    if driver is not None and driver.rollout != command.rollout:
        return f"rollout {driver.rollout} drives {_named(driver.rule)} already"
    asked = (command.rule, command.candidate, command.stable)
    if driver is not None and (driver.rule, driver.candidate, driver.stable) != asked:
        return f"rollout {driver.rollout} drives {_named(driver.rule)} from {driver.stable} to {driver.candidate}"
    if serve_of(flag, command.rule) is None:
        return f"flag {flag.key} has no rule {command.rule}"
    known = {variant.name for variant in flag.variants}
    for name in (command.candidate, command.stable):
        if name not in known:
            return f"flag {flag.key} has no variant {name}; it has {', '.join(sorted(known))}"
    if command.candidate == command.stable:
        return f"{command.candidate} cannot be the candidate and the stable variant"
    if not 0 <= command.weight <= WHOLE:
        return f"a weight is from 0 to {WHOLE}, not {command.weight}"
    return None


def _split(flag: Flag, command: Drive) -> Split:
    """Return the split with the candidate first, so that nobody who has it loses it while its weight grows."""
    shares = (Share(command.candidate, command.weight), Share(command.stable, WHOLE - command.weight))
    now = serve_of(flag, command.rule)
    if isinstance(now, Split):
        return replace(now, shares=shares)
    seed = flag.key if command.rule is None else f"{flag.key}/{command.rule}"
    return Split(shares=shares, seed=seed, by=command.bucketed_by)


def _settled(serve: Serve | None) -> Serve | None:
    if not isinstance(serve, Split):
        return serve
    served = [share.variant for share in serve.shares if share.weight > 0]
    return served[0] if len(served) == 1 and served[0] is not None else serve


def _audience_of(flag: Flag, rule: str | None) -> object:
    found = rule_of(flag, rule) if rule is not None else None
    return found.condition if found is not None else None


def _value_of(flag: Flag, name: VariantName) -> object:
    """Return a variant's value as text, since True is 1 in Python and not in JSON."""
    return next((repr(variant.value) for variant in flag.variants if variant.name == name), None)


def _named(rule: str | None) -> str:
    return "the default of this flag" if rule is None else f"rule {rule} of this flag"
