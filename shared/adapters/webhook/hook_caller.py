"""Hooks that are webhooks.

| answer | read as |
|---|---|
| 2xx with `{"status": "succeeded" or "failed" or "running", "detail"?, "progress"?}` | as it says |
| 200, 201, 204 and any other 2xx without a body | succeeded |
| 202 without a body | running: the result is called back, or asked for at the `Location` |
| 2xx with any other body | not read: asked again later, under the same id |
| 408, 425, 429, 5xx | later |
| 3xx, any other 4xx | refused for good, in the words of the answer |
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

from shared.calls.asking import check_url, refusal_of
from shared.calls.deadline import Deadline
from shared.calls.earlier_call import unanswered
from shared.calls.http_exchange import Answer, exchange
from shared.domain.errors import InvalidError, RejectedError, TryLaterError
from shared.domain.rollout.app_settings import may_sign
from shared.domain.rollout.hooks import HookCall, HookState, HookStatus, Webhook
from shared.ports.hook_caller import HookStarted
from shared.wire.hook_answers import MOST_BYTES, one_line, parse_hook_reply, says_nothing, words_of
from shared.wire.hook_signature import signed_headers

_SECONDS = 15.0
_PORTS = {"https": 443, "http": 80}
_LONGEST_TOKEN = 2000
_SHOWN_OF_IT = 80


def _system_time() -> datetime:
    return datetime.now(UTC)


class WebhookCaller:
    """The `HookCaller` of webhooks. They must take the same id as the same call: a call in doubt is made again.

    `Idempotency-Key` and `X-Slipway-Id` are the call's id, and `shared.wire.hook_signature` says how it is signed.
    Redirects are not followed. Errors name the host; path and query, which often hold a key, appear nowhere but in
    tokens, and a token is a path: whatever stands in it, no other host is asked.
    """

    def __init__(
        self,
        secret_of: Callable[[str], str | None],
        *,
        allow_http: bool = False,
        now: Callable[[], datetime] = _system_time,
    ) -> None:
        """`secret_of` returns the value of an app setting, or None where there is none."""
        self._secret_of = secret_of
        self._allow_http = allow_http
        self._now = now

    def call(
        self, hook: HookCall, call_id: str, body: Mapping[str, Any], *, in_doubt_since: datetime | None = None
    ) -> HookStarted:
        """Post the body under the call's id; whatever became of an earlier attempt, the id makes it the same call."""
        del in_doubt_since
        webhook = _webhook(hook)
        content = json.dumps({**body, "id": call_id}, ensure_ascii=False).encode()
        answer = self._exchange("POST", webhook.url, webhook, call_id, content)
        status = _read(webhook.url, answer)
        token = _token_of(webhook, answer) if status.state is HookState.RUNNING else ""
        if webhook.polls and status.state is HookState.RUNNING and not token:
            status = replace(status, detail=status.detail or "no Location on the same host: waiting for the callback")
        return HookStarted(token, status)

    def look(self, hook: HookCall, token: str, call_id: str) -> HookStatus:
        """Ask at the `Location` of the answer. A call without one is running until it calls back."""
        webhook = _webhook(hook)
        if not (webhook.polls and token):
            return HookStatus(HookState.RUNNING, "waiting for the callback")
        url = _url_of(webhook, token)
        answer = self._exchange("GET", url, webhook, call_id, b"")
        if answer.status in (404, 410):
            return HookStatus(HookState.UNKNOWN, f"{_host(url)} does not know the call any more: say whether it ran")
        return _read(url, answer)

    def _exchange(self, method: str, url: str, webhook: Webhook, call_id: str, content: bytes) -> Answer:
        check_url("hook", url, allow_http=self._allow_http)
        headers = {
            "Accept": "application/json",
            "User-Agent": "Slipway",
            "Idempotency-Key": call_id,
            "X-Slipway-Id": call_id,
            **self._signature(webhook, call_id, content),
        }
        if content:
            headers["Content-Type"] = "application/json; charset=utf-8"
        try:
            return exchange(
                method, url, Deadline(_SECONDS), headers=headers, body=content or None, most_bytes=MOST_BYTES
            )
        except TryLaterError as error:
            raise unanswered("hook", error) from error

    def _signature(self, webhook: Webhook, call_id: str, content: bytes) -> dict[str, str]:
        setting = webhook.secret_setting
        if setting is None:
            return {}
        if not may_sign(setting):
            raise RejectedError(
                "hook: secretSetting names an app setting of Slipway's own, which signs nothing; "
                "keep the key in another one, and name that"
            )
        secret = self._secret_of(setting)
        if not secret:
            # Unsigned, it would be taken for a forgery, or teach the other side not to check.
            raise RejectedError(f"hook: the app setting {setting} is not there")
        return signed_headers(secret, call_id, content, self._now())


def _webhook(hook: HookCall) -> Webhook:
    if not isinstance(hook, Webhook):
        raise RejectedError(f"a {type(hook).__name__} is no webhook")
    return hook


def _read(url: str, answer: Answer) -> HookStatus:
    if not 200 <= answer.status < 300:
        raise refusal_of("hook", url, answer, _without_address(words_of(answer.body), url))
    if answer.cut:
        begins = _begins(answer.body, url)
        raise TryLaterError(
            f"hook: {_host(url)} answered {answer.status} with more than {MOST_BYTES} bytes, which are not read{begins}"
        )
    if says_nothing(answer.body):
        return HookStatus(HookState.RUNNING if answer.status == 202 else HookState.SUCCEEDED)
    try:
        return parse_hook_reply(answer.body)
    except InvalidError as error:
        # Its cause is not kept: that repeats the answer as it stands, and many answers repeat our address.
        raise TryLaterError(
            f"hook: {_host(url)} answered {answer.status} with a body that is not read: "
            f"{_without_address(str(error), url)}{_begins(answer.body, url)}"
        ) from None


def _begins(body: bytes, url: str) -> str:
    """Return the first words of an answer, by which a person knows a sign-in page, a proxy's or a wrong service's."""
    words = _without_address(one_line(body.decode("utf-8", errors="replace"), MOST_BYTES), url)
    return f"; it begins: {one_line(words, _SHOWN_OF_IT)}" if words else ""


def _without_address(words: str, url: str) -> str:
    """Return what a refusal says without what it repeats of our address: many name the path that they do not know."""
    parts = urlsplit(url)
    values = [value for _, value in parse_qsl(parts.query)]
    steps = [step for step in parts.path.split("/") if step]
    for part in sorted({parts.path, parts.query, *values, *steps, *map(unquote, steps)} - {"", "/"}, key=len)[::-1]:
        words = words.replace(part, "***")
    return words


def _token_of(webhook: Webhook, answer: Answer) -> str:
    """Return the `Location` as a path with its query; nothing where there is none on the webhook's own origin."""
    location = answer.header("Location")
    if not webhook.polls or location is None:
        return ""
    try:
        found = urljoin(webhook.url, location)
        parts = urlsplit(found)
        is_ours = _origin(found) == _origin(webhook.url) and "@" not in parts.netloc
    except ValueError:
        return ""
    token = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    return token if is_ours and _is_path(token) else ""


def _url_of(webhook: Webhook, token: str) -> str:
    if not _is_path(token):
        raise RejectedError("not the token of a hook's call")
    parts = urlsplit(webhook.url)
    return f"{parts.scheme}://{parts.netloc}{token}"


def _is_path(text: str) -> bool:
    is_plain = text.isascii() and text.isprintable() and not set(text) & set(" \\#")
    return text.startswith("/") and is_plain and len(text) <= _LONGEST_TOKEN


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def _host(url: str) -> str | None:
    return urlsplit(url).hostname
