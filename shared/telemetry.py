"""What may stand in our logs: no keys, no other people's chatter, and one line a message."""

import logging
import re
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from shared.settings import Settings

HIDDEN = "***"
OURS = "slipway"
_IN_ADDRESS = re.compile(r"(?i)([?&](?:code|sig)=)[^&\s\"'<>]+")
_IN_HEADER = re.compile(r"(?i)\b(Bearer\s+|X-API-Key['\"]?\s*[:=]\s*['\"]?)[^\s\"',;]+")
_IN_CONNECTION = re.compile(r"(?i)\b((?:Shared)?Access(?:Key|Signature)=|AccountKey=)[^;\s\"']+")
_BREAKS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")


def keep_logs_clean(settings: Settings) -> None:
    """Hide the keys of the settings, and whatever looks like one, in all that this process logs from now on.

    Azure's SDKs log every exchange with its headers at INFO: they are heard from WARNING on. Safe to repeat.
    """
    logging.getLogger("azure").setLevel(logging.WARNING)
    made = logging.getLogRecordFactory()
    below = made.below if isinstance(made, CleanRecords) else made
    logging.setLogRecordFactory(CleanRecords(below, censor(settings)))


def censor(settings: Settings) -> "Censor":
    """Return what hides the keys of these settings in a text."""
    return Censor(_secrets_of(settings))


@dataclass(frozen=True, slots=True)
class Censor:
    """Hides secrets in a text: those that it knows, and what addresses, headers and connection strings carry."""

    secrets: tuple[str, ...]

    def __call__(self, text: str) -> str:
        """Return the text without them."""
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        for pattern in (_IN_ADDRESS, _IN_HEADER, _IN_CONNECTION):
            text = pattern.sub(rf"\g<1>{HIDDEN}", text)
        return text


@dataclass(frozen=True, slots=True)
class CleanRecords:
    """Makes log records whose message and traceback went through the censor, whichever logger and handler they meet."""

    below: Callable[..., logging.LogRecord]
    censor: Censor

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        """Make a record. Never raises for a message that does not fit its arguments: logging tells of that itself."""
        record = self.below(*args, **kwargs)
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):
            return record
        clean = self.censor(message)
        if record.name.partition(".")[0] == OURS:
            clean = _BREAKS.sub(" ", clean)
        if clean != message:
            record.msg, record.args = clean, ()
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = self.censor("".join(traceback.format_exception(*record.exc_info))).rstrip("\n")
        return record


def _secrets_of(settings: Settings) -> tuple[str, ...]:
    """Return every value of the settings that opens something, the longest first: one may hold another."""
    keys: Iterable[str | None] = (
        *settings.operator_keys.values(),
        *settings.source_keys.values(),
        *settings.flag_keys.values(),
        settings.access_token,
        settings.tables_connection,
        settings.service_bus_connection,
    )
    return tuple(sorted({key for key in keys if key and len(key) >= 16}, key=len, reverse=True))
