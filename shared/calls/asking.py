"""Asking a web server something that changes nothing there: one more try when the line breaks, and clear refusals.

Errors name `what` and the host, never a path, a query or a header: these often hold a key.
"""

import http.client
import re
import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

from shared.calls.azure_errors import is_passing
from shared.calls.deadline import Deadline
from shared.calls.http_exchange import Answer, exchange
from shared.calls.retry_after import read_retry_after
from shared.domain.errors import RejectedError, SlipwayError, TryLaterError
from shared.domain.rollout.app_settings import FOR_SPECS, may_be_sent

_VISIBLE: Final = re.compile(r"[!-~]+")


def ask(
    what: str,
    method: str,
    url: str,
    deadline: Deadline,
    *,
    headers: Mapping[str, str],
    body: bytes | None = None,
    most_bytes: int,
    trust: ssl.SSLContext | None = None,
) -> Answer:
    """Return the answer, whatever its status. A connection that breaks off is tried once more, at once.

    `trust` is as in `exchange`.

    Raises `TryLaterError` when there is no answer, and `RejectedError` for one of more than `most_bytes`.
    """
    try:
        try:
            answer = exchange(method, url, deadline, headers=headers, body=body, most_bytes=most_bytes, trust=trust)
        except TryLaterError as error:
            if not broke_off(error):
                raise
            answer = exchange(method, url, deadline, headers=headers, body=body, most_bytes=most_bytes, trust=trust)
    except TryLaterError as error:
        raise TryLaterError(f"{what}: {error}") from error
    if answer.cut:
        raise RejectedError(f"{what}: {urlsplit(url).hostname} answers with more than {most_bytes} bytes")
    return answer


def broke_off(error: TryLaterError) -> bool:
    """Whether the line broke, rather than that no answer came in time: then the same may go well at once."""
    return isinstance(error.__cause__, ConnectionError | http.client.HTTPException)


def refusal_of(what: str, url: str, answer: Answer, says: str = "") -> SlipwayError:
    """Return the error for an answer that is not a success; `says` is what its body says."""
    message = f"{what}: {urlsplit(url).hostname} answered {answer.status}{says and f', {says}'}"
    if is_passing(answer.status) or answer.status == 425:
        return TryLaterError(message, after_seconds=read_retry_after(answer.header("Retry-After")))
    if 300 <= answer.status < 400:
        message += ", which is not followed"
    return RejectedError(message)


def check_clock(what: str, url: str, answer: Answer, now: datetime, most: timedelta) -> None:
    """Raise `TryLaterError` when the server's clock is more than `most` from ours, so that windows would not be ours.

    An answer without a `Date`, or out of a cache, says nothing of clocks.
    """
    said = answer.header("Date")
    if said is None or answer.header("Age") is not None:
        return
    try:
        moment = parsedate_to_datetime(said)
    except (ValueError, OverflowError):
        return
    ahead = moment.replace(tzinfo=moment.tzinfo or UTC) - now
    # The header tells whole seconds.
    if abs(ahead) > most + timedelta(seconds=1):
        side = "ahead of" if ahead > timedelta(0) else "behind"
        seconds = abs(ahead).total_seconds()
        raise TryLaterError(
            f"{what}: the clock of {urlsplit(url).hostname} is {seconds:.0f} s {side} ours: its windows are not ours"
        )


def bearer_of(what: str, setting: str | None, secret: Callable[[str], str | None]) -> dict[str, str]:
    """Return the header with the token in an app setting; none where no setting is named. Raises `RejectedError`.

    A setting that specs may not send is not even looked at, also for a spec that was stored when they might.
    """
    if setting is None:
        return {}
    if not may_be_sent(setting):
        raise RejectedError(
            f"{what}: secretSetting names an app setting that does not begin with {FOR_SPECS}, and no other is "
            "sent to an address of a spec; keep the token in one that does, and name that"
        )
    token = (secret(setting) or "").strip()
    if not token:
        raise RejectedError(f"{what}: the app setting {setting} is not there")
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise RejectedError(f"{what}: the app setting {setting} is not a bearer token")
    return {"Authorization": f"Bearer {token}"}


def check_url(what: str, url: str, *, allow_http: bool) -> None:
    """Raise `RejectedError` for a URL that is not https (or http, where that is allowed) with a host and no user.

    So is one that does not stand as it is sent: of other characters some are dropped, and some mean another host.
    """
    schemes = ("https", "http") if allow_http else ("https",)
    try:
        parts = urlsplit(url)
        usable = parts.scheme in schemes and bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not _VISIBLE.fullmatch(url):
        raise RejectedError(f"{what}: the URL must be {' or '.join(schemes)}, with a host and without a user")
