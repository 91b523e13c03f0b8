"""Mistakes with release windows: what asks them, and what must not."""

from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from shared.domain.rollout import moving_on, on_deployment, windows
from tests.simulation.protocol.defects.defect import defect
from tests.simulation.protocol.patching import replaced

Patched = AbstractContextManager[object]


@defect(
    "a window not asked", "domain", "a step that was judged healthy goes on whether a release window is open or not"
)
def _window_not_asked() -> Patched:
    return replaced(moving_on, "held_before", lambda draft, rollout, index: None)


@defect("a return that waits for a window", "domain", "what goes back asks the release windows as what goes on does")
def _return_waits() -> Patched:
    real = windows.held_from

    def held_from(draft: Any, rollout: Any, spec: Any, action: Any) -> Any:
        return real(draft, replace(rollout, returns=False), spec, action)

    return replaced(on_deployment, "held_from", held_from)
