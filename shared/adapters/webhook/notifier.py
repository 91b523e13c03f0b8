"""Posting messages to webhooks."""

import hashlib
import hmac
from collections.abc import Callable
from urllib.parse import urlsplit

from shared.calls.asking import check_url
from shared.calls.deadline import Deadline
from shared.calls.http_exchange import Answer, exchange
from shared.calls.retry_after import read_retry_after
from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.rollout.app_settings import may_sign
from shared.domain.rollout.spec import Notification

_SECONDS = 10.0
_PASSING = (408, 425, 429)


class HttpNotifier:
    """The `Notifier` of webhooks.

    `X-Slipway-Id` is the message's id, the same each time it is sent. `X-Slipway-Signature` is `sha256=` and the
    HMAC-SHA256 of the body's bytes in lower-case hex, where the notification names a secret. Redirects are not
    followed. Errors name the notification and the host; path and query, which often hold a key, appear nowhere.
    """

    def __init__(self, secret_of: Callable[[str], str | None], *, allow_http: bool = False) -> None:
        """`secret_of` returns the value of an app setting, or None where there is none."""
        self._secret_of = secret_of
        self._allow_http = allow_http

    def notify(self, notification: Notification, message_id: str, body: str) -> None:
        """Post the JSON body. Raises `TryLaterError` when it was not taken, `RejectedError` when it never will be."""
        check_url(f"notification {notification.name}", notification.url, allow_http=self._allow_http)
        content = body.encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Slipway",
            "X-Slipway-Id": message_id,
            **self._signature(notification, content),
        }
        try:
            answer = exchange("POST", notification.url, Deadline(_SECONDS), headers=headers, body=content)
        except TryLaterError as error:
            raise TryLaterError(f"notification {notification.name}: {error}") from error
        _check_answer(notification, answer)

    def _signature(self, notification: Notification, content: bytes) -> dict[str, str]:
        if notification.secret_setting is None:
            return {}
        if not may_sign(notification.secret_setting):
            raise RejectedError(
                f"notification {notification.name}: secretSetting names an app setting of Slipway's own, which signs "
                "nothing; keep the key in another one, and name that"
            )
        secret = self._secret_of(notification.secret_setting)
        if not secret:
            # Unsigned, it would be taken for a forgery, or teach the other side not to check.
            raise RejectedError(
                f"notification {notification.name}: the app setting {notification.secret_setting} is not there"
            )
        return {"X-Slipway-Signature": f"sha256={hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()}"}


def _check_answer(notification: Notification, answer: Answer) -> None:
    if 200 <= answer.status < 300:
        return
    message = f"notification {notification.name}: {urlsplit(notification.url).hostname} answered {answer.status}"
    if answer.status in _PASSING or answer.status >= 500:
        raise TryLaterError(message, after_seconds=read_retry_after(answer.header("Retry-After")))
    raise RejectedError(message)
