"""The release windows of all applications, as an app setting holds them: what `releaseWindows` of a spec holds."""

import json
from typing import Any, Final

from shared.domain.rollout.calendar import ReleaseWindow
from shared.wire.spec import parse_spec
from shared.wire.yaml_source import read_yaml

_SITE: Final = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/g/providers/Microsoft.Web/sites/any"
_AROUND: Final[dict[str, Any]] = {
    "application": "any",
    "targets": [{"name": "any", "kind": "app-service-slot", "resource": _SITE, "slot": "candidate"}],
    "strategy": {"blueGreen": {}},
}
"""A spec around the windows: so they are read, and refused, exactly as those of an application."""


def parse_house_windows(text: str) -> tuple[ReleaseWindow, ...]:
    """Return the windows of a YAML or JSON list; none for an empty text.

    Raises `InvalidError` with each problem by its path, such as `releaseWindows[0].timeZone`.
    """
    if not text.strip():
        return ()
    # An environment holds bytes that are no text as halves of surrogate pairs, which YAML refuses.
    windows = read_yaml(text.encode("utf-8", "surrogatepass")).value
    return parse_spec(json.dumps(_AROUND | {"releaseWindows": windows}, default=str).encode()).calendar
