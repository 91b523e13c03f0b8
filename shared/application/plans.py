"""What releasing a version would come to, reckoned before anything runs. Nothing is stored, and nobody is asked."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from shared.application import aggregate as aggregates
from shared.application.claims import Claims
from shared.application.flag_environments import FlagEnvironments
from shared.domain.errors import TryLaterError
from shared.domain.flags.managing.rolling_out import lacking
from shared.domain.names import ApplicationName, VariantName, Version, application_key
from shared.domain.rollout.calendar import ReleaseWindow
from shared.domain.rollout.forecast import forecast
from shared.domain.rollout.permissions import deployment_refusal
from shared.domain.rollout.spec import Spec, TargetKind
from shared.domain.rollout.state import Application
from shared.ports.clock import Clock
from shared.ports.driven_flags import DrivenFlags
from shared.ports.rollout_store import RolloutStore
from shared.wire.flag_split import parse_flag_split
from shared.wire.named_settings import missing_settings
from shared.wire.plan_view import plan_view
from shared.wire.plan_words import warnings


@dataclass(frozen=True, slots=True)
class Plans:
    """Plans with their times: a load for what is registered, and a read of each target's claim."""

    store: RolloutStore
    clock: Clock
    claims: Claims
    house: tuple[ReleaseWindow, ...] = ()
    """The release windows of all applications."""
    setting_of: Callable[[str], str | None] = lambda _name: None
    """Returns the value of an app setting; of those that specs name it is only asked whether they are there."""
    flags: DrivenFlags | None = None
    environments: FlagEnvironments = field(default_factory=FlagEnvironments)

    def registered(
        self, name: ApplicationName, version: Version | None = None, at: datetime | None = None
    ) -> dict[str, object] | None:
        """Return the plan of an application's spec, from `at` or from now on; None when nobody registered it.

        Of a version that served everyone until lately it is the way back. Raises `TryLaterError` for an unwell store.
        """
        state = aggregates.load(self.store, application_key(name)).application
        if state.spec is None:
            return None
        plan = forecast(state.spec, at or self.clock.now(), house=self.house, returns=_returns(state, version))
        missing = tuple(self._missing_flags(state.spec, _named_variant(state, version)))
        refusal = _not_now(state, version) or (_flags_first(missing) if version is not None else None)
        looks = (*self.claims.clashes(state.spec), *missing_settings(state.spec, self.setting_of), *missing)
        return plan_view(plan, version=version, not_now=refusal, looks=looks)

    def warnings(self, spec: Spec) -> list[str]:
        """Return what the author of a spec should look at, now that it is registered: what its plan says too."""
        plan = forecast(spec, self.clock.now(), house=self.house)
        return [*warnings(plan), *missing_settings(spec, self.setting_of), *self._missing_flags(spec)]

    def missing_flags(self, name: ApplicationName, version: Version | None = None) -> str | None:
        """Return what a release would need of flags and is not there; None where all of it is.

        Raises `TryLaterError` for an unwell store.
        """
        state = aggregates.load(self.store, application_key(name)).application
        if state.spec is None:
            return None
        return _flags_first(tuple(self._missing_flags(state.spec, _named_variant(state, version))))

    def of_spec(self, spec: Spec, at: datetime | None = None) -> dict[str, object]:
        """Return the plan of a spec, whether or not anybody registered it. Raises `TryLaterError` as above."""
        plan = forecast(spec, at or self.clock.now(), house=self.house)
        missing = (*missing_settings(spec, self.setting_of), *self._missing_flags(spec))
        return plan_view(plan, looks=(*self.claims.clashes(spec), *missing))

    def _missing_flags(self, spec: Spec, named: VariantName | None = None) -> Iterator[str]:
        """Yield what targets name of flags and is not there: a rollout would wait for it, and then fail.

        `named` is the variant of targets that name none.
        """
        for target in spec.targets:
            if target.kind is not TargetKind.FEATURE_FLAG or self.flags is None:
                continue
            split = parse_flag_split(target.resource)
            if split.environment not in self.environments.approvals:
                known = ", ".join(self.environments.approvals)
                yield f"target {target.name}: there is no environment {split.environment}, only {known}"
                continue
            try:
                lacks = lacking(self.flags.state(split), split, target.variant or named)
            except TryLaterError:
                continue  # the spec is stored, and nobody is told that it was not because of a warning
            if lacks is not None:
                yield f"target {target.name}: {lacks}: a rollout waits for it at its preflight, and fails without"


def _flags_first(missing: tuple[str, ...]) -> str | None:
    return "; ".join(missing) or None


def _named_variant(state: Application, version: Version | None) -> VariantName | None:
    """Return the variant that a version names where its spec names none. A way back is to whatever was there before."""
    return VariantName(version) if version is not None and not _returns(state, version) else None


def _returns(state: Application, version: Version | None) -> bool:
    back = state.way_back
    return back is not None and back.version == version and state.live is None


def _not_now(state: Application, version: Version | None) -> str | None:
    if state.frozen is not None:
        why = f"frozen by {state.frozen.by}: {state.frozen.reason}"
        return f"{why}; the override rollback goes back to it all the same" if _returns(state, version) else why
    refusal = deployment_refusal(state, version) if version is not None else None
    stuck = state.live.stuck if state.live is not None else None
    if refusal is None and state.live is not None and stuck is not None:
        return f"rollout {state.live.id} is stuck: {stuck}"
    return refusal
