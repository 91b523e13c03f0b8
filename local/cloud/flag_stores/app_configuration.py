"""The key-values of an App Configuration store, as its data plane answers: ETags, labels, locks and preconditions.

The shapes are those of the public documentation of the REST API; a list has one page.
"""

import json
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from local.cloud.flag_stores.serving import Call, Reply

_KEY_VALUE: Final = "application/vnd.microsoft.appconfig.kv+json; charset=utf-8"
_KEY_VALUES: Final = "application/vnd.microsoft.appconfig.kvset+json; charset=utf-8"
_PROBLEM: Final = "application/problem+json; charset=utf-8"
_LARGEST: Final = 10 * 1024
_MODIFIED: Final = "2026-11-26T12:00:00+00:00"
BUSY: Final = Reply(
    429,
    {
        "type": "https://azconfig.io/errors/too-many-requests",
        "title": "Resource utilization has surpassed the assigned quota",
        "policy": "Total Requests",
        "status": 429,
    },
    {"retry-after-ms": "40000"},
    _PROBLEM,
)


@dataclass(slots=True)
class AppConfigurationStandIn:
    """One store."""

    kept: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    """By key and label; no label is the empty one."""
    _etags: Any = field(default_factory=lambda: count(1))

    def put(self, key: str, value: str, *, label: str = "", **others: Any) -> dict[str, Any]:
        """Write a key-value, as somebody else would."""
        kept: dict[str, Any] = {
            "etag": f"e{next(self._etags)}",
            "key": key,
            "label": label or None,
            "content_type": None,
            "value": value,
            "last_modified": _MODIFIED,
            "locked": False,
            "tags": {},
            **others,
        }
        self.kept[key, label] = kept
        return kept

    def answer(self, call: Call) -> Reply:
        """Answer one call."""
        if not call.headers.get("authorization", "").startswith("Bearer "):
            return Reply(401, None, {"WWW-Authenticate": 'Bearer error="invalid_token"'})
        if "api-version" not in call.query:
            return _problem(400, "invalid-argument", "API version is not specified")
        label = call.query.get("label", "").replace("\0", "")
        if call.path == "/kv" and call.method == "GET":
            return self._list(call.query.get("key", "*"), label)
        if not call.path.startswith("/kv/"):
            return Reply(404)
        key = call.path.removeprefix("/kv/")
        there = self.kept.get((key, label))
        if not _holds(call, there):
            return Reply(412)
        match call.method:
            case "GET":
                return Reply(404) if there is None else _shown(there)
            case "PUT":
                return self._put(key, label, there, call)
            case "DELETE":
                return self._delete(key, label, there)
        return Reply(405)

    def _put(self, key: str, label: str, there: dict[str, Any] | None, call: Call) -> Reply:
        if there is not None and there["locked"]:
            return _problem(409, "key-locked", f"Modifying key '{key}' is not allowed")
        try:
            sent = json.loads(call.body)
        except ValueError:
            return _problem(400, "invalid-argument", "The body is not JSON")
        if len(call.body) > _LARGEST + 1024:
            return _problem(413, "content-too-large", "The key-value is too large")
        fields = {name: sent.get(name) for name in ("value", "content_type", "tags") if sent.get(name) is not None}
        return _shown(self.put(key, **{"value": "", **fields}, label=label))

    def _delete(self, key: str, label: str, there: dict[str, Any] | None) -> Reply:
        if there is None:
            return Reply(204)
        if there["locked"]:
            return _problem(409, "key-locked", f"Modifying key '{key}' is not allowed")
        del self.kept[key, label]
        return _shown(there)

    def _list(self, pattern: str, label: str) -> Reply:
        found = [
            each
            for (key, its_label), each in sorted(self.kept.items())
            if its_label == label and (key.startswith(pattern[:-1]) if pattern.endswith("*") else key == pattern)
        ]
        return Reply(200, {"items": found}, {}, _KEY_VALUES)


def _holds(call: Call, there: dict[str, Any] | None) -> bool:
    """Say whether the preconditions of a call hold."""
    etag = there["etag"] if there is not None else None
    match, none = call.headers.get("if-match"), call.headers.get("if-none-match")
    if match is not None and not (etag is not None if match == "*" else match.strip('"') == etag):
        return False
    return not (none is not None and (etag is not None if none == "*" else none.strip('"') == etag))


def _shown(kept: dict[str, Any]) -> Reply:
    return Reply(200, kept, {"ETag": f'"{kept["etag"]}"', "Sync-Token": "zAJw6V16=MDox;sn=1"}, _KEY_VALUE)


def _problem(status: int, kind: str, title: str) -> Reply:
    document = {"type": f"https://azconfig.io/errors/{kind}", "title": title, "status": status}
    return Reply(status, document, {}, _PROBLEM)
