"""The signature that a hook's call goes out with, and that its answer may come back with.

`X-Slipway-Signature` is `sha256=` and the HMAC-SHA256, in lower-case hex, of `<timestamp>.<id>.<body>`: the value of
`X-Slipway-Timestamp` (seconds since 1970), the call's id and the body's bytes, an empty one too. So neither an old
message nor one about another call can be sent again.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Final

SIGNATURE: Final = "X-Slipway-Signature"
TIMESTAMP: Final = "X-Slipway-Timestamp"
MOST_SECONDS_OFF: Final = 300
"""How far the clock of whoever signed may be from ours."""


def signed_headers(secret: str, call_id: str, body: bytes, now: datetime) -> dict[str, str]:
    """Return the headers that a message about a call carries."""
    timestamp = str(int(now.timestamp()))
    return {TIMESTAMP: timestamp, SIGNATURE: _sign(secret, timestamp, call_id, body)}


def has_signature(headers: Mapping[str, str]) -> bool:
    """Whether a message claims to be signed."""
    return any(name.lower() == SIGNATURE.lower() for name in headers)


def is_signed(headers: Mapping[str, str], secret: str, call_id: str, body: bytes, now: datetime) -> bool:
    """Whether a message about this call was signed with this key within five minutes. An empty key never signs."""
    lowered = {name.lower(): value for name, value in headers.items()}
    timestamp, signature = lowered.get(TIMESTAMP.lower(), ""), lowered.get(SIGNATURE.lower(), "")
    if not secret or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return False
    wanted = _sign(secret, timestamp, call_id, body)
    is_same = hmac.compare_digest(wanted.encode(), signature.encode(errors="surrogatepass"))
    return is_same and abs(int(timestamp) - now.timestamp()) <= MOST_SECONDS_OFF


def _sign(secret: str, timestamp: str, call_id: str, body: bytes) -> str:
    signed = f"{timestamp}.{call_id}.".encode() + body
    return f"sha256={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"
