"""The composition root: the only room that names adapters and reads the environment.

Nothing is connected at import. Each worker process builds its object graph on the first calls, part by part.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from shared.application.access import Access
from shared.bootstrap.flags import FlagOptions, flag_options
from shared.bootstrap.on_first_use import BuiltOnce
from shared.bootstrap.parts import Keeping, Outside
from shared.bootstrap.stores import embedded_broker, keeping
from shared.bootstrap.use_cases import App
from shared.domain.errors import InvalidError
from shared.settings import Settings, SettingsError
from shared.telemetry import censor, keep_logs_clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from azure.core.credentials import TokenCredential

    from shared.application.read import MetricsSources
    from shared.domain.rollout.calendar import ReleaseWindow
    from shared.ports.clock import Clock

__all__ = ["App", "FlagOptions", "Keeping", "Outside", "app", "build", "embedded_broker", "metrics_sources"]


def build(
    keeping: Keeping,
    outside: Outside,
    access: Access,
    clock: Clock,
    house: tuple[ReleaseWindow, ...] = (),
    flags: FlagOptions | None = None,
) -> App:
    """Wire the use cases to these ports. `house` are the release windows of all applications."""
    return App(keeping, lambda: outside, access, clock, house, flags)


@BuiltOnce
def app() -> App:
    """Build the object graph on the first call of this worker process, never at import."""
    from shared.adapters.system.clock import SystemClock

    settings = Settings.from_env(os.environ)
    keep_logs_clean(settings)
    access = Access(settings.operator_keys, settings.source_keys, settings.flag_keys)
    house, flags = house_windows(settings), flag_options(settings, os.environ)
    hide = censor(settings)
    return App(keeping(settings), partial(_azure, settings), access, SystemClock(), house, flags, hide)


def house_windows(settings: Settings) -> tuple[ReleaseWindow, ...]:
    """Return the release windows of all applications. Raises `SettingsError` that names what is wrong with them."""
    if not settings.release_windows:
        return ()
    from shared.wire.house_calendar import parse_house_windows

    try:
        return parse_house_windows(settings.release_windows)
    except InvalidError as error:
        raise SettingsError(f"SLIPWAY_RELEASE_WINDOWS: {error}") from error


def metrics_sources(settings: Settings, env: Mapping[str, str], credential: TokenCredential) -> MetricsSources:
    """Return what reads each kind of source outside; each is built when it is first read."""
    from shared.bootstrap.outside import metrics_sources

    return metrics_sources(settings, env, credential)


def _azure(settings: Settings) -> Outside:
    from shared.bootstrap.outside import azure

    return azure(settings, os.environ)
