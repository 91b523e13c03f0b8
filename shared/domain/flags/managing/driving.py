"""A rollout moves one split of a flag - of a rule, a region, or the default -, and nobody else meanwhile."""

from dataclasses import replace
from itertools import takewhile

from shared.domain.errors import RejectedError
from shared.domain.flags.managing import events as e
from shared.domain.flags.managing.commands import Drive, Release
from shared.domain.flags.managing.draft import FlagDraft
from shared.domain.flags.managing.serves import override_of, rule_of, serve_of
from shared.domain.flags.managing.state import Driver, FlagState
from shared.domain.flags.model import BY_KEY, WHOLE, Attribute, Flag, Serve, Share, Split
from shared.domain.names import VariantName


def drive(draft: FlagDraft, command: Drive) -> None:
    """Give the candidate its weight. The same weight again is nothing new.

    Raises `RejectedError` when another rollout drives the split, when this one has let go of the flag, when it would
    begin on a flag that is killed, or the flag has no such rule or variant.
    """
    flag = draft.existing()
    why_not = _refusal(draft.state, flag, command)
    if why_not is not None:
        raise RejectedError(why_not)
    if draft.state.driver_of(command.rule, command.region) is None:
        draft.record(e.DriveBegun(at=draft.now, driver=_driver(flag, command)))
    serve = _split(draft.state, flag, command)
    if serve != serve_of(flag, command.rule, command.region):
        draft.record(
            e.FlagDriven(
                at=draft.now,
                rollout=command.rollout,
                revision=draft.state.revision + 1,
                weight=command.weight,
                serve=serve,
                rule=command.rule,
                region=command.region,
            )
        )


def release(draft: FlagDraft, command: Release) -> None:
    """Let others write again. A split that has come to an end becomes its one variant.

    Who drives nothing is let begin nothing either: of a rollout that is over a write may still be on its way.
    """
    for driver in draft.state.drivers:
        flag = draft.state.flag
        if driver.rollout != command.rollout or flag is None:
            continue
        before = serve_of(flag, driver.rule, driver.region)
        after = _ended_at(driver, command.share) or _settled(before)
        assert after is not None
        inherits = _inherits_again(driver, flag, after)
        draft.record(
            e.FlagReleased(
                at=draft.now,
                rollout=command.rollout,
                revision=draft.state.revision + (after != before or inherits),
                serve=after,
                rule=driver.rule,
                region=driver.region,
                inherits=inherits,
            )
        )
    if draft.state.flag is not None and command.rollout not in draft.state.let_go:
        draft.record(e.DriverBarred(at=draft.now, rollout=command.rollout))


def refusal_of_others(state: FlagState, wanted: Flag) -> str | None:
    """Say why somebody else than the rollout cannot make the flag this, or None when what it drives stays as it is."""
    flag = state.flag
    if flag is None:
        return None
    of_split = next((each for each in state.drivers if _changes_split(each, flag, wanted)), None)
    if of_split is not None:
        return _in_the_way(of_split, "")
    of_audience = next((each for each in state.drivers if _changes_audience(each, flag, wanted)), None)
    return _in_the_way(of_audience, ", and this changes who meets it") if of_audience is not None else None


def refusal_to_archive(state: FlagState) -> str | None:
    """Say why the flag cannot be archived now, or None."""
    if not state.drivers:
        return None
    driver = state.drivers[0]
    return f"rollout {driver.rollout} drives {_named(driver.rule, driver.region)}: end it first"


def refusal_to_revive(state: FlagState) -> str | None:
    """Say why a killed flag cannot be revived yet, or None: a kill ends the rollouts that drive the flag.

    They are told when what is served is brought up to the kill. A flag that was revived before that would be ramped on.
    """
    if not state.drivers or not state.effects:
        return None
    return f"rollout {state.drivers[0].rollout} is still being told that the flag was killed: revive it again later"


def killed_in_words(state: FlagState) -> str:
    """Say who killed the flag, and why."""
    by = f"the flag was killed by {state.killed_by}" if state.killed_by else "the flag is killed"
    return f"{by}: {state.killed_because}" if state.killed_because else by


def _driver(flag: Flag, command: Drive) -> Driver:
    is_region = command.rule is None and command.region is not None
    return Driver(
        rollout=command.rollout,
        rule=command.rule,
        region=command.region,
        candidate=command.candidate,
        stable=command.stable,
        version=command.version,
        inherited=is_region and override_of(flag, command.region or "").default is None,
    )


def _inherits_again(driver: Driver, flag: Flag, serve: Serve) -> bool:
    """Whether a region that had no default of its own is to have none again: a way back leaves what was there.

    It keeps one where the flag's own default gives somebody another variant by now: nobody is to get that by the way
    back of a rollout.
    """
    if not driver.inherited or driver.region is None or serve != driver.stable:
        return False
    return override_of(flag, driver.region).default is not None and _settled(flag.default) == serve


def _changes_split(driver: Driver, flag: Flag, wanted: Flag) -> bool:
    serves = serve_of(flag, driver.rule, driver.region) == serve_of(wanted, driver.rule, driver.region)
    return not serves or any(
        _value_of(flag, name) != _value_of(wanted, name) for name in (driver.candidate, driver.stable)
    )


def _changes_audience(driver: Driver, flag: Flag, wanted: Flag) -> bool:
    return _audience_of(flag, driver.rule, driver.region) != _audience_of(wanted, driver.rule, driver.region)


def _in_the_way(driver: Driver, how: str) -> str:
    where = _named(driver.rule, driver.region)
    return f"rollout {driver.rollout} drives {where}{how}: end it first; the kill switch works meanwhile"


def _refusal(state: FlagState, flag: Flag, command: Drive) -> str | None:
    driver, where = state.driver_of(command.rule, command.region), _named(command.rule, command.region)
    if driver is not None and driver.rollout != command.rollout:
        return f"rollout {driver.rollout} drives {where} already"
    asked = (command.candidate, command.stable)
    if driver is not None and (driver.candidate, driver.stable) != asked:
        return f"rollout {driver.rollout} drives {where} from {driver.stable} to {driver.candidate}"
    if command.rollout in state.let_go:
        return f"rollout {command.rollout} has let go of this flag"
    if serve_of(flag, command.rule, command.region) is None:
        return f"flag {flag.key} has no rule {command.rule}"
    known = {variant.name for variant in flag.variants}
    for name in (command.candidate, command.stable):
        if name not in known:
            return f"flag {flag.key} has no variant {name}; it has {', '.join(sorted(known))}"
    if command.candidate == command.stable:
        return f"{command.candidate} cannot be the candidate and the stable variant"
    if not 0 <= command.weight <= WHOLE:
        return f"a weight is from 0 to {WHOLE}, not {command.weight}"
    return killed_in_words(state) if flag.killed and driver is None and not command.returns else None


def weight_in(serve: Serve, variant: VariantName) -> int:
    """Return the share of a variant in what is served, in 1/100,000 of all that the split gives."""
    if not isinstance(serve, Split):
        return WHOLE if serve == variant else 0
    total = sum(share.weight for share in serve.shares)
    own = sum(share.weight for share in serve.shares if share.variant == variant)
    return round(WHOLE * own / total) if total else 0


def _split(state: FlagState, flag: Flag, command: Drive) -> Split:
    """Return the split with the candidate first, so that nobody who has it loses it while its weight grows.

    Users keep their places: those of the split that is there, or of the one that an earlier rollout left. Where that
    had the stable variant first the candidate stands last, which is as good: who has it already is there.
    """
    now = serve_of(flag, command.rule, command.region)
    before = state.divided_by_in(command.rule, command.region)
    if isinstance(now, Split):
        served = [share.variant for share in now.shares]
        return replace(now, shares=_shares(command, served[0] if command.candidate in served else None, now.by))
    if before is not None:
        shares = _shares(command, before.first, before.by)
        return Split(shares=shares, seed=before.seed, by=before.by, hashing=before.hashing)
    seed = flag.key if command.rule is None else f"{flag.key}/{command.rule}"
    return Split(shares=_shares(command, None, command.bucketed_by), seed=seed, by=command.bucketed_by)


def _shares(command: Drive, first: VariantName | None, by: Attribute) -> tuple[Share, Share]:
    """Return both shares, the candidate's first unless the stable variant was.

    Who lacks an attribute other than the targeting key has the last share, which is never to be the candidate's.
    """
    candidate, stable = Share(command.candidate, command.weight), Share(command.stable, WHOLE - command.weight)
    return (stable, candidate) if first == command.stable and by == BY_KEY else (candidate, stable)


def _ended_at(driver: Driver, share: int | None) -> VariantName | None:
    """Return the one variant that everybody has where a rollout ended at none or all, whatever landed after its end."""
    if share is None:
        return None
    return {0: driver.stable, WHOLE: driver.candidate}.get(share)


def _settled(serve: Serve | None) -> Serve | None:
    if not isinstance(serve, Split):
        return serve
    served = [share.variant for share in serve.shares if share.weight > 0]
    return served[0] if len(served) == 1 and served[0] is not None else serve


def _audience_of(flag: Flag, rule: str | None, region: str | None) -> str:
    """Return what decides who meets the split, as text: True is 1 in Python and not in JSON.

    That is all that is asked before it, but for the individual targets: a tester or two move no measurement, and a
    person who meets harm is to be taken out at once. What a rule above serves is its owner's, if it passes nobody on.
    """
    above = [(each.condition, _passes_on(each.serve)) for each in takewhile(lambda each: each.id != rule, flag.rules)]
    found = rule_of(flag, rule) if rule is not None else None
    own = found.condition if found is not None else None
    regions = sorted(
        (name, each.enabled, each.default is not None and rule is None)
        for name, each in flag.regions
        if region in (None, name)
    )
    shown = [each for each in regions if each[1:] != (None, False)]
    return repr((flag.enabled, flag.schedule, flag.prerequisites, above, own, shown))


def _passes_on(serve: Serve) -> Split | None:
    """Return the split where some that meet the rule go on to what stands below."""
    if isinstance(serve, Split) and any(share.variant is None for share in serve.shares):
        return serve
    return None


def _value_of(flag: Flag, name: VariantName) -> object:
    """Return a variant's value as text, since True is 1 in Python and not in JSON."""
    return next((repr(variant.value) for variant in flag.variants if variant.name == name), None)


def _named(rule: str | None, region: str | None = None) -> str:
    if rule is not None:
        return f"rule {rule} of this flag"
    return "the default of this flag" if region is None else f"the default of region {region} of this flag"
