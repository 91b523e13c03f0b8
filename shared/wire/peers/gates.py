"""The gate that stands for a wait without an end."""

from typing import Any


def endless_gate(name: str) -> dict[str, Any]:
    """Return a gate that reminds people after a week and goes on holding: Flagger and Argo wait for ever."""
    return {"name": name, "timeout": "7d", "otherwise": "pause"}
