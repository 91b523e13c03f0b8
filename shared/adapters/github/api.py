"""GitHub's REST API: bounded calls with a team's token, and what its refusals mean.

| answer | read as |
|---|---|
| 403 or 429 with `Retry-After`, with no requests left, or that speaks of a rate limit | later, when it says so |
| 408, 5xx, no answer | later; a dispatch may have been carried out |
| 401, any other 403, 404, 422, any other 4xx | refused, in GitHub's words |
| 3xx | refused: the repository has another name now |
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from shared.calls.asking import bearer_of, check_url
from shared.calls.deadline import Deadline
from shared.calls.earlier_call import unanswered
from shared.calls.http_exchange import Answer, exchange
from shared.calls.retry_after import at_most_a_day, read_retry_after, whole_number
from shared.domain.errors import InvalidError, RejectedError, SlipwayError, TryLaterError, UnansweredError
from shared.wire.hook_answers import one_line
from shared.wire.json_source import read_json

PUBLIC: Final = "https://api.github.com"
VERSION: Final = "2022-11-28"
"""The oldest version of the API that is served, which also servers of one's own know."""
_SECONDS: Final = 10.0
"""For all looks together, and once more for a dispatch: after slow looks it would be broken off too early."""
_MOST_BYTES: Final = 4 * 1024 * 1024
_ONE_MINUTE: Final = 60.0
"""How long GitHub asks to be left alone at a secondary limit that names no time."""
_LONGEST_WORDS: Final = 300


class GithubApi:
    """Opens repositories for calls. Only `base_url` is ever asked, so nobody else is given a token."""

    def __init__(
        self,
        secret_of: Callable[[str], str | None],
        *,
        base_url: str | None,
        allow_http: bool,
        now: Callable[[], datetime],
    ) -> None:
        """`base_url` is the API of a GitHub server (`https://HOST/api/v3`), by default the public one's."""
        self._secret_of = secret_of
        self._base_url = (base_url or PUBLIC).rstrip("/")
        self._allow_http = allow_http
        self._now = now

    def open(self, what: str, token_setting: str) -> "GithubCalls":
        """Return the calls of one method. Raises `RejectedError` when there is no token to be had."""
        check_url("SLIPWAY_GITHUB_URL", self._base_url, allow_http=self._allow_http)
        headers = {
            "Accept": "application/vnd.github+json",
            "User-Agent": "Slipway",
            "X-GitHub-Api-Version": VERSION,
            **bearer_of(what, token_setting, self._secret_of),
        }
        return GithubCalls(what, self._base_url, headers, self._now)


class GithubCalls:
    """The calls of one method of the adapter, 20 seconds at most."""

    def __init__(self, what: str, base_url: str, headers: Mapping[str, str], now: Callable[[], datetime]) -> None:
        self._what = what
        self._base_url = base_url
        self._headers = headers
        self._now = now
        self._looking = Deadline(_SECONDS)
        self._changing: Deadline | None = None

    def get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return the JSON object at a path. Raises `GithubRefusedError`, or `TryLaterError`."""
        url = f"{self._base_url}{path}{f'?{urlencode(query)}' if query else ''}"
        try:
            answer = self._exchange("GET", url, None, self._looking)
        except TryLaterError as error:
            raise TryLaterError(f"{self._what}: {error}", after_seconds=error.after_seconds) from error
        if answer.status != 200:
            raise self._refusal(answer)
        document = _read(answer)
        if not isinstance(document, dict):
            raise TryLaterError(f"{self._what}: GitHub's answer cannot be read")
        return document

    def post(self, path: str, document: Mapping[str, Any]) -> Any:
        """Return what is answered to a request that was taken, or None where that cannot be read.

        Never sent twice. Raises `UnansweredError` when nobody can tell whether it was carried out.
        """
        body = json.dumps(document, ensure_ascii=False).encode()
        self._changing = self._changing or Deadline(_SECONDS)
        try:
            answer = self._exchange("POST", f"{self._base_url}{path}", body, self._changing)
        except TryLaterError as error:
            raise unanswered(self._what, error) from error
        if 200 <= answer.status < 300:
            return _read(answer)
        refusal = self._refusal(answer)
        if answer.status == 408 or answer.status >= 500:
            raise UnansweredError(str(refusal), after_seconds=getattr(refusal, "after_seconds", None))
        raise refusal

    def _exchange(self, method: str, url: str, body: bytes | None, deadline: Deadline) -> Answer:
        kind = {} if body is None else {"Content-Type": "application/json; charset=utf-8"}
        return exchange(method, url, deadline, headers={**self._headers, **kind}, body=body, most_bytes=_MOST_BYTES)

    def _refusal(self, answer: Answer) -> SlipwayError:
        words = _words(_read(answer))
        host = urlsplit(self._base_url).hostname
        message = f"{self._what}: {host} answered {answer.status}{words and f', {words}'}"
        if answer.status in (403, 429) and (answer.status == 429 or _is_limit(answer, words)):
            return TryLaterError(message, after_seconds=self._wait(answer))
        if answer.status in (408, 409) or answer.status >= 500:
            return TryLaterError(message, after_seconds=read_retry_after(answer.header("Retry-After")))
        if 300 <= answer.status < 400:
            return RejectedError(f"{message}: it has another name now, write that")
        return GithubRefusedError(message + _HINTS.get(answer.status, ""), answer.status, words)

    def _wait(self, answer: Answer) -> float:
        wait = read_retry_after(answer.header("Retry-After"))
        if wait is not None:
            return wait
        reset = whole_number(answer.header("X-RateLimit-Reset"))
        if answer.header("X-RateLimit-Remaining") == "0" and reset is not None:
            return max(at_most_a_day(reset - self._now().timestamp()), 1.0)
        return _ONE_MINUTE


class GithubRefusedError(RejectedError):
    """GitHub refused a request: nothing was done."""

    def __init__(self, message: str, status: int, words: str) -> None:
        super().__init__(message)
        self.status = status
        self.words = words
        """What GitHub said."""


_HINTS: Final = {
    401: ": the token is wrong or has expired",
    403: ": the token needs Actions read and write on the repository",
    404: ": it is not there, or the token may not see it (it needs Actions read and write on the repository)",
}


def _is_limit(answer: Answer, words: str) -> bool:
    has_none_left = answer.header("X-RateLimit-Remaining") == "0"
    return has_none_left or answer.header("Retry-After") is not None or "rate limit" in words.lower()


def _read(answer: Answer) -> Any:
    if answer.cut:
        return None
    try:
        return read_json(answer.body, at_most=_MOST_BYTES)
    except InvalidError:
        return None


def _words(document: Any) -> str:
    """Return the message of an error body, and those of its single errors."""
    if not isinstance(document, dict):
        return ""
    errors = document.get("errors")
    listed = errors if isinstance(errors, list) else []
    single = (error.get("message") if isinstance(error, dict) else error for error in listed)
    said = [text for text in (document.get("message"), *single) if isinstance(text, str) and text]
    return one_line(": ".join(said), _LONGEST_WORDS)
