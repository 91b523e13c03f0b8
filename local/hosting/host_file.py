"""`host.json`: the settings of the host that the development host honours too."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

_TIME_SPAN = re.compile(r"^(?:(\d{1,8})\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,7}))?$")


def parse_time_span(text: str) -> timedelta:
    """Read a .NET TimeSpan such as `00:00:01.5` or `1.00:00:00`. Raises `ValueError` for anything else."""
    found = _TIME_SPAN.match(text)
    if found is None:
        raise ValueError(f"{text[:100]!r} is not a time span such as 00:00:30")
    days, hours, minutes, seconds, fraction = found.groups(default="0")
    return timedelta(days=int(days), hours=int(hours), minutes=int(minutes), seconds=float(f"{seconds}.{fraction}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFile:
    """What of `host.json` changes how functions are called here. Defaults are those of the real host."""

    route_prefix: str = "api"
    max_concurrent_sessions: int = 8
    """How many sessions of one queue are open at once."""
    max_concurrent_calls: int = 16
    """How many messages of one queue without sessions are handled at once."""
    session_idle_timeout: timedelta = timedelta(minutes=1)
    """How long an open session may stay without a message before another session gets its place."""
    max_auto_lock_renewal: timedelta = timedelta(minutes=5)
    """For how long the lock of one message is renewed while its function runs."""
    auto_complete: bool = True
    """Whether the host completes a message when its function returns."""

    @staticmethod
    def read(path: Path) -> "HostFile":
        """Read the file. Raises `ValueError` when it is no host.json of version 2.0."""
        return HostFile.parse(json.loads(path.read_text(encoding="utf-8")))

    @staticmethod
    def parse(document: Any) -> "HostFile":
        """Take what is set, and defaults for the rest. Raises `ValueError` where it is of another shape."""
        try:
            return HostFile._parse(document)
        except (AttributeError, OverflowError, TypeError) as error:
            raise ValueError(f"host.json is not what the Functions host takes: {error!r:.200}") from error

    @staticmethod
    def _parse(document: Mapping[str, Any]) -> "HostFile":
        if document.get("version") != "2.0":
            raise ValueError("host.json must say version 2.0")
        extensions = document.get("extensions", {})
        bus = extensions.get("serviceBus", {})
        default = HostFile()
        return HostFile(
            route_prefix=extensions.get("http", {}).get("routePrefix", default.route_prefix).strip("/"),
            max_concurrent_sessions=bus.get("maxConcurrentSessions", default.max_concurrent_sessions),
            max_concurrent_calls=bus.get("maxConcurrentCalls", default.max_concurrent_calls),
            session_idle_timeout=_span(bus, "sessionIdleTimeout", default.session_idle_timeout),
            max_auto_lock_renewal=_span(bus, "maxAutoLockRenewalDuration", default.max_auto_lock_renewal),
            auto_complete=bus.get("autoCompleteMessages", default.auto_complete),
        )


def _span(section: Mapping[str, Any], name: str, default: timedelta) -> timedelta:
    return parse_time_span(section[name]) if name in section else default
