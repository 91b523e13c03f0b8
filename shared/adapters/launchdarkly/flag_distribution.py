"""Flags of LaunchDarkly: what they serve follows ours, by a semantic patch of only what differs.

A flag is made, named and given its rules there; weights, what rules serve, the off variation and whether it is on come
from here.

| answer | read as |
|---|---|
| 404 to the look | there is no such flag there: refused until somebody makes it, save where it is archived here |
| 409 | somebody else wrote it meanwhile |
| 429 | later, when `Retry-After` or `X-Ratelimit-Reset` says so |
| 408, 5xx, no answer | later |
| any other | refused, in LaunchDarkly's words |
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from shared.calls.asking import ask, refusal_of
from shared.calls.deadline import Deadline
from shared.calls.http_exchange import Answer
from shared.calls.retry_after import at_most_a_day, whole_number
from shared.domain.errors import InvalidError, RejectedError, TryLaterError, VersionConflictError
from shared.domain.flags.model import Flag, Segment
from shared.domain.names import FlagKey
from shared.domain.rollout.app_settings import may_be_sent
from shared.ports.flag_distribution import NotCarriedError
from shared.wire.flags.launchdarkly_patch import patch_of
from shared.wire.flags.notes import in_short
from shared.wire.hook_answers import one_line
from shared.wire.json_source import read_json

SEMANTIC_PATCH: Final = "application/json; domain-model=launchdarkly.semanticpatch"
COMMENT: Final = "Brought here by Slipway"
_SECONDS: Final = 20.0
"""For the look and the patch together."""
_MOST_BYTES: Final = 4 * 1024 * 1024
_LONGEST_WORDS: Final = 300
_MAKE_IT: Final = "Make it there with the values of its variants, then send the action distribute"
_FIX: Final = "Let both say the same, then save the flag here or send the action distribute"


class LaunchDarklyFlags:
    """The flags of one environment of a project."""

    def __init__(
        self,
        endpoint: str,
        project: str,
        environment: str,
        token_setting: str,
        secret_of: Callable[[str], str | None],
    ) -> None:
        self._endpoint = endpoint
        self._project = project
        self._environment = environment
        self._token_setting = token_setting
        self._secret_of = secret_of

    @property
    def name(self) -> str:
        """What people are told that this is."""
        return f"LaunchDarkly {self._project}/{self._environment}"

    def bring_up(self, key: FlagKey, flag: Flag | None, segments: Iterable[Segment]) -> tuple[str, ...]:
        """Let the flag there serve what it serves here, as far as it has the variations and rules for that."""
        deadline = Deadline(_SECONDS)
        headers = {"Authorization": self._token(), "User-Agent": "Slipway"}
        url = f"{self._endpoint}/api/v2/flags/{self._project}/{quote(key, safe='')}"
        looked = self._ask("GET", f"{url}?{urlencode({'env': self._environment})}", deadline, headers)
        if looked.status == 404:
            if flag is None:
                return ()
            raise NotCarriedError(f"{self.name}: there is no flag {key} there, and none is made from here. {_MAKE_IT}")
        document = self._document(url, looked)
        patch = patch_of(key, flag, segments, document, self._environment)
        if patch.instructions:
            body = {"environmentKey": self._environment, "comment": COMMENT, "instructions": list(patch.instructions)}
            sent = {**headers, "Content-Type": SEMANTIC_PATCH}
            self._document(url, self._ask("PATCH", url, deadline, sent, json.dumps(body).encode()))
        if patch.refused:
            raise NotCarriedError(f"{self.name}: it would serve differently there: {in_short(patch.refused)}. {_FIX}")
        return patch.notes

    def _ask(
        self, method: str, url: str, deadline: Deadline, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer:
        # The same patch twice is the same, so one that got no answer may be sent again.
        return ask(self.name, method, url, deadline, headers=headers, body=body, most_bytes=_MOST_BYTES)

    def _document(self, url: str, answer: Answer) -> Any:
        read = _read(answer)
        if answer.status == 200:
            if read is None:
                raise TryLaterError(f"{self.name}: an answer that cannot be read")
            return read
        words = read.get("message") if isinstance(read, dict) else ""
        says = one_line(words, _LONGEST_WORDS) if isinstance(words, str) else ""
        if answer.status == 409:
            raise VersionConflictError(f"{self.name}: somebody else wrote the flag meanwhile")
        refusal = refusal_of(self.name, url, answer, says)
        if isinstance(refusal, TryLaterError) and refusal.after_seconds is None:
            refusal.after_seconds = _reset_of(answer)
        raise refusal

    def _token(self) -> str:
        token = (self._secret_of(self._token_setting) or "").strip() if may_be_sent(self._token_setting) else ""
        if not token:
            raise RejectedError(f"{self.name}: the app setting {self._token_setting} is not there")
        if not (token.isascii() and token.isprintable()) or " " in token:
            raise RejectedError(f"{self.name}: the app setting {self._token_setting} is not an access token")
        return token


def _read(answer: Answer) -> Any:
    try:
        return read_json(answer.body, at_most=_MOST_BYTES)
    except InvalidError:
        return None


def _reset_of(answer: Answer) -> float | None:
    """Return the seconds until `X-Ratelimit-Reset`, which tells milliseconds since 1970."""
    reset = whole_number(answer.header("X-Ratelimit-Reset"))
    return None if reset is None else max(at_most_a_day(reset / 1000 - time.time()), 1.0)
