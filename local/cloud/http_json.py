"""The plain values between the management port and the APIs behind it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonCall:
    """One call, read whole."""

    method: str
    path: str
    target: str
    """Path and query as they came."""
    host: str
    segments: list[str]
    """The path's parts in lower case: ARM names are the same in any case."""
    query: Mapping[str, str]
    body: Any
    """Parsed JSON; None where there was no body."""
    authorized: bool = False
    """A bearer token came with it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered; `document` None means an empty body."""

    status: int
    document: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class ApiError(Exception):
    """A refusal in the words of the management API."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})

    def reply(self) -> Reply:
        """Return the error as ARM words it."""
        return Reply(self.status, {"error": {"code": self.code, "message": str(self)}}, self.headers)
