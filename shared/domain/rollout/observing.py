"""Which spec a pushed observation falls under."""

from collections.abc import Iterator
from datetime import timedelta

from shared.domain.errors import InvalidError, Problem, RejectedError
from shared.domain.names import TargetName
from shared.domain.rollout.spec import Spec, Target
from shared.domain.rollout.state import Application


def observed_spec(state: Application, length: timedelta | None) -> Spec:
    """Return the spec whose windows have this length; None: of whatever length.

    That of the rollout that is looked at comes before the one registered since, for its windows are the ones that
    count. Raises `RejectedError` when the application is not measured by what is pushed, and `InvalidError` when its
    windows have another length.
    """
    specs = tuple(_pushed(state))
    if not specs:
        raise RejectedError(
            f"{state.name} is not measured by what is pushed: PUT /api/applications/{state.name} with "
            "metrics.source.kind observations in its release spec"
        )
    for spec in specs:
        if length in (None, spec.measuring.window):
            return spec
    allowed = " or ".join(f"{spec.measuring.window.total_seconds():g}" for spec in specs)
    raise InvalidError(Problem("seconds", f"allowed is {allowed}, the metrics.window of {state.name}"))


def observed_target(spec: Spec, name: TargetName | None) -> Target:
    """Return the target of this name; with None the only one. Raises `InvalidError` that names those there are."""
    for target in spec.targets:
        if target.name == name or (name is None and len(spec.targets) == 1):
            return target
    known = ", ".join(target.name for target in spec.targets)
    what = "is missing" if name is None else f"{spec.application} has no target of this name"
    raise InvalidError(Problem("target", f"{what}: its targets are {known}"))


def is_watched(state: Application) -> bool:
    """Whether news of what users meet may decide something."""
    return state.live is not None or state.pending is not None or state.aftercare is not None


def _pushed(state: Application) -> Iterator[Spec]:
    for spec in (state.spec_in_force, state.spec):
        if spec is not None and spec.measuring.is_pushed:
            yield spec
