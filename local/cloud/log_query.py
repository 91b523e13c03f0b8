"""The queries of Log Analytics that the sandbox answers: those that ship with Slipway, and no others.

There is no KQL engine here. A query is known by the remark in its first line, which names it, its table and what its
rows are named by; what it is filled with is read from its `let` declarations.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from local.cloud.http_json import ApiError

_FIRST = re.compile(r"// slipway (?P<name>windows|names)/1 table=(?P<table>\w+) split=(?P<split>\w+)")
_LET = re.compile(r"let (?P<name>\w+) = (?P<literal>.+);")
_ESCAPED = re.compile(r"\\(?:u([0-9a-f]{4})|U([0-9a-f]{8})|(.))")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """What a query asks."""

    name: str
    table: str
    split: str
    since: int
    """Seconds since the epoch, as `until`."""
    until: int
    length: int
    """Seconds."""
    candidate: str
    stable: str
    role: str

    def arm_of(self, named: str) -> str:
        """Return whose rows those named so are; empty: nobody's."""
        if self.candidate and self._is_named(named, self.candidate):
            return "candidate"
        if self.stable and self._is_named(named, self.stable):
            return "stable"
        return ("" if self.candidate else "candidate") if self.stable else "stable"

    def _is_named(self, named: str, version: str) -> bool:
        pattern = {
            "version": f"{re.escape(version)}",
            "revision": f"{re.escape(version)}",
            "role": rf"(.*[^A-Za-z0-9])?{re.escape(version)}",
            "place": rf"{re.escape(version)}(\..*)?",
        }[self.split]
        return re.fullmatch(pattern, named, re.IGNORECASE | re.DOTALL) is not None


def parse_query(body: object) -> LogQuery:
    """Read the body of a query. Raises `ApiError` in the service's words."""
    match body:
        case {"query": str(text)}:
            first = _FIRST.fullmatch(text.partition("\n")[0])
        case _:
            raise refuse("SyntaxError", "The query is missing.")
    if first is None:
        raise refuse("SyntaxError", "The sandbox answers the queries that ship with Slipway, and no others.")
    declared = {let["name"]: let["literal"] for line in text.split("\n") if (let := _LET.fullmatch(line))}
    try:
        return LogQuery(
            name=first["name"],
            table=first["table"],
            split=first["split"],
            since=_seconds(declared["since"]),
            until=_seconds(declared["until"]),
            length=int(declared["length"].removesuffix("ms")) // 1000,
            **{name: _text(declared[name]) for name in ("candidate", "stable", "role")},
        )
    except (KeyError, ValueError) as error:
        raise refuse("SemanticError", f"A declaration is missing or wrong: {error}") from error


def refuse(kind: str, message: str) -> ApiError:
    """Return the service's refusal of a query: its reason stands in the innermost error."""
    return RefusedQueryError(kind, message)


class RefusedQueryError(ApiError):
    """A query that cannot be carried out."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(400, "BadArgumentError", "The request had some invalid properties")
        self.document: Mapping[str, object] = {
            "error": {
                "message": str(self),
                "code": self.code,
                "correlationId": "00000000-0000-0000-0000-000000000000",
                "innererror": {
                    "code": kind,
                    "message": f"A {'semantic' if kind == 'SemanticError' else 'syntax'} error occurred.",
                    "innererror": {"code": "SEM0100", "message": message},
                },
            }
        }


def _seconds(literal: str) -> int:
    return int(datetime.fromisoformat(literal.removeprefix("datetime(").removesuffix(")")).timestamp())


def _text(literal: str) -> str:
    if len(literal) < 2 or literal[0] != "'" or literal[-1] != "'":
        raise ValueError(f"{literal[:100]} is not a string")
    return _ESCAPED.sub(lambda found: found[3] or chr(int(found[1] or found[2], 16)), literal[1:-1])
