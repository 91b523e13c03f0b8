"""Flags that tests of clients ask for: one of each sort that a client may trip over."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import quote

from tests.functions.api_client import Api, running_api

EVALUATION_KEY = "a-key-for-evaluating-0123456789"
TEST_EVALUATION_KEY = "a-key-for-the-test-flags-0123456789"
SETTINGS = {
    "SLIPWAY_FLAG_ENVIRONMENTS": "production;test",
    "SLIPWAY_FLAG_KEYS": f"production/shop={EVALUATION_KEY};test/shop={TEST_EVALUATION_KEY}",
    "SLIPWAY_FLAG_MAX_AGE": "0",
    "SLIPWAY_WEB_ORIGINS": "https://shop.example.org",
}
HALF = {"split": {"shares": [{"variant": "on", "percent": 50}, {"variant": "off", "percent": 50}]}}
FLAGS: tuple[dict[str, Any], ...] = (
    {"key": "plain", "type": "boolean", "default": "on"},
    {"key": "text", "type": "string", "variants": {"old": "alt", "new": "neu – ✓"}, "off": "old", "default": "new"},
    {
        "key": "count",
        "type": "integer",
        "variants": {"one": 1, "many": 10_000_000_000},
        "off": "one",
        "default": "many",
    },
    {"key": "ratio", "type": "number", "variants": {"none": 0, "all": 1}, "off": "none", "default": "all"},
    {
        "key": "layout",
        "type": "object",
        "variants": {"a": {"columns": 3, "names": ["x", None]}, "b": {}},
        "off": "b",
        "default": "a",
    },
    {
        "key": "staff-only",
        "type": "boolean",
        "default": "off",
        "rules": [{"id": "staff", "if": {"attribute": "staff", "op": "in", "values": [True]}, "serve": "on"}],
    },
    {"key": "ramp", "type": "boolean", "default": HALF},
    {"key": "shop/new-page", "type": "boolean", "default": "on"},
    {"key": "stopped", "type": "boolean", "default": "on", "enabled": False},
)


@contextmanager
def flags_in_use(folder: Path) -> Iterator[Api]:
    """Serve the real app with these flags."""
    with patch.dict("os.environ", SETTINGS), running_api(folder) as api:
        for flag in FLAGS:
            save(api, flag)
        yield api


def save(api: Api, flag: dict[str, Any], environment: str = "production") -> None:
    """Write a flag, whatever stands there."""
    path = f"/api/flags/{quote(flag['key'])}?environment={environment}"
    there = api.ask("GET", path).status == 200
    answer = api.ask("PUT", path, flag, {"If-Match": "*"} if there else {})
    assert answer.status in (200, 201), answer.body
