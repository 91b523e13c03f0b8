"""What makes an accepted fact the same fact when it comes again."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Final

from shared.domain.errors import InvalidError, Problem
from shared.domain.names import ApplicationName, CommandId

_KEY: Final = re.compile(r"[!-~]([ -~]{0,253}[!-~])?")


def identity(*parts: str) -> CommandId:
    """Return the id of what these parts name: 32 hex digits, the same for the same parts, in every release."""
    text = json.dumps(parts, separators=(",", ":"))
    return CommandId(hashlib.sha256(text.encode("ascii")).hexdigest()[:32])


def requested_identity(
    what: str, application: ApplicationName, headers: Mapping[str, str], new_id: Callable[[], str]
) -> CommandId:
    """Return the id of a request of our own format, such as `override`.

    The same `Idempotency-Key` header for the same application is the same request; without the header every
    request is a new one, named by `new_id`. Raises `InvalidError` when the key is not 1 to 255 visible characters.
    """
    key = header_of(headers, "idempotency-key")
    if key is None:
        return identity(what, application, "new", new_id())
    key = key.strip()
    if len(key) > 2 and key.startswith('"') and key.endswith('"'):
        key = key[1:-1]
    if not _KEY.fullmatch(key):
        raise InvalidError(Problem("Idempotency-Key", "allowed are 1 to 255 visible ASCII characters"))
    return identity(what, application, "key", key)


def has_key(headers: Mapping[str, str]) -> bool:
    """Whether a request names itself by an `Idempotency-Key`."""
    return header_of(headers, "idempotency-key") is not None


def header_of(headers: Mapping[str, str], name: str) -> str | None:
    """Return the value of a header, whose name is given in lower case; None when it is not there."""
    return next((value for key, value in headers.items() if key.lower() == name), None)
