"""Feature flags of Azure App Configuration: key-values that are written with their ETag, and only where they differ."""

import json
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from shared.calls.azure_calls import CLIENT_OPTIONS, AzureCalls
from shared.calls.retry_after import at_most_a_day, whole_number
from shared.domain.errors import RejectedError, TryLaterError, VersionConflictError
from shared.domain.flags.managing.serves import bare
from shared.domain.flags.model import Flag, Segment
from shared.domain.names import FlagKey
from shared.ports.flag_distribution import NotCarriedError
from shared.wire.flags.microsoft import CONTENT_TYPE, KEY_PREFIX
from shared.wire.flags.microsoft_export import export_microsoft
from shared.wire.flags.notes import Exported, Fate, in_short

if TYPE_CHECKING:
    from azure.appconfiguration import AzureAppConfigurationClient, ConfigurationSetting
    from azure.core.credentials import TokenCredential

TAG: Final = "managed-by"
OURS: Final = "slipway"
"""The tag of what Slipway wrote: nothing else is ever deleted."""
LARGEST: Final = 10 * 1024
"""So many bytes App Configuration keeps of a key-value, its key and label included."""
_FIX: Final = "What stands there is left. Say it without that, or have it evaluated by OFREP"
_SHORTER: Final = "What stands there is left. Name groups in place of many users, and shorten its texts and values"
_KEPT: Final = ("display_name", "telemetry")
"""Members that have no equal here: they stay as somebody wrote them there."""


class AppConfigurationFlags:
    """The flags of one store, under one label."""

    def __init__(self, endpoint: str, label: str | None, credential: "TokenCredential", *, allow_http: bool) -> None:
        self._endpoint = endpoint
        self._label = label
        self._credential = credential
        self._allow_http = allow_http

    @property
    def name(self) -> str:
        """What people are told that this is."""
        label = f", label {self._label}" if self._label else ""
        return f"App Configuration {urlsplit(self._endpoint).hostname}{label}"

    @cached_property
    def _client(self) -> "AzureAppConfigurationClient":
        from azure.appconfiguration import AzureAppConfigurationClient

        return AzureAppConfigurationClient(self._endpoint, self._credential, **CLIENT_OPTIONS)

    def bring_up(self, key: FlagKey, flag: Flag | None, segments: Iterable[Segment]) -> tuple[str, ...]:
        """Let the key-value be what the flag is; without a flag, let there be none of ours."""
        calls = AzureCalls(allow_http=self._allow_http)
        there = self._read(calls, key)
        if flag is None:
            return self._delete(calls, there) if there is not None else ()
        exported, notes = self._exported(flag, segments)
        management: Any = exported.document["feature_management"]
        wanted = self._setting(key, management["feature_flags"][0], there)
        if there is None or not _is_same(there, wanted):
            self._write(calls, wanted, is_new=there is None)
        return notes

    def _exported(self, flag: Flag, segments: Iterable[Segment]) -> tuple[Exported, tuple[str, ...]]:
        """Return the document with its notes. Raises `NotCarriedError` for a flag that would serve differently.

        One that is off goes without what it would serve otherwise: who turns it on there gets the off variant.
        """
        exported = export_microsoft((flag,), segments)
        losses = [note.words for note in exported.notes if note.fate is Fate.SERVES]
        notes = tuple(f"{note.fate}: {note.words}" for note in exported.notes)
        if not losses:
            return exported, notes
        if flag.enabled and not flag.killed:
            raise NotCarriedError(f"{self.name}: it would serve differently there: {in_short(losses)}. {_FIX}")
        return export_microsoft((bare(flag),), segments), notes

    def _setting(
        self, key: FlagKey, document: dict[str, Any], there: "ConfigurationSetting | None"
    ) -> "ConfigurationSetting":
        from azure.appconfiguration import ConfigurationSetting

        before = _document_of(there.value) if there is not None else {}
        merged = document | {name: before[name] for name in _KEPT if before.get(name) is not None}
        wanted = ConfigurationSetting(
            key=f"{KEY_PREFIX}{key}",
            label=self._label,
            value=json.dumps(merged, separators=(",", ":"), ensure_ascii=False),
            content_type=CONTENT_TYPE,
            tags={**((there.tags or {}) if there is not None else {}), TAG: OURS},
            etag=there.etag if there is not None else None,
        )
        parts = (wanted.key, wanted.label or "", wanted.value, CONTENT_TYPE, *wanted.tags, *wanted.tags.values())
        size = sum(len(part.encode()) for part in parts)
        if size > LARGEST:
            raise NotCarriedError(
                f"{self.name}: the flag has {size} bytes there, at most {LARGEST} are kept. {_SHORTER}"
            )
        return wanted

    def _read(self, calls: AzureCalls, key: FlagKey) -> "ConfigurationSetting | None":
        from azure.core.exceptions import ResourceNotFoundError

        def send(options: dict[str, Any]) -> "ConfigurationSetting | None":
            try:
                return self._client.get_configuration_setting(f"{KEY_PREFIX}{key}", self._label, **options)
            except ResourceNotFoundError:
                return None

        found: ConfigurationSetting | None = self._run(calls, "read", send)
        return found

    def _write(self, calls: AzureCalls, wanted: "ConfigurationSetting", *, is_new: bool) -> None:
        from azure.core import MatchConditions

        condition = MatchConditions.IfMissing if is_new else MatchConditions.IfNotModified
        self._run(
            calls,
            "write",
            lambda options: self._client.set_configuration_setting(wanted, condition, **options),
        )

    def _delete(self, calls: AzureCalls, there: "ConfigurationSetting") -> tuple[str, ...]:
        from azure.core import MatchConditions

        if (there.tags or {}).get(TAG) != OURS:
            return (
                f"{Fate.SERVES}: the flag is archived here, and what stands there was not written by {OURS}: it stays",
            )
        self._run(
            calls,
            "delete",
            lambda options: self._client.delete_configuration_setting(
                there.key,
                there.label,
                etag=there.etag,
                match_condition=MatchConditions.IfNotModified,
                **options,
            ),
        )
        return ()

    def _run(self, calls: AzureCalls, what: str, send: Any) -> Any:
        from azure.core.exceptions import HttpResponseError

        words = f"{self.name}: {what} the flag"

        def watched(options: dict[str, Any]) -> Any:
            try:
                return send(options)
            except HttpResponseError as error:
                if error.status_code == 412:
                    raise VersionConflictError(f"{words}: somebody else wrote it meanwhile") from error
                if error.status_code == 409:
                    raise RejectedError(f"{words}: it is locked there") from error
                raise

        try:
            return calls.run(words, watched)
        except TryLaterError as error:
            pause = _pause_of(error)
            if pause is None:
                raise
            raise TryLaterError(str(error), after_seconds=pause) from error


def _pause_of(error: TryLaterError) -> float | None:
    """Return how long a store that is asked too often wants to be left alone: it says so in milliseconds."""
    response: Any = getattr(error.__cause__, "response", None)
    milliseconds = whole_number(response.headers.get("retry-after-ms")) if response is not None else None
    return None if milliseconds is None else at_most_a_day(milliseconds / 1000)


def _is_same(there: "ConfigurationSetting", wanted: "ConfigurationSetting") -> bool:
    documents = [json.dumps(_plain(_document_of(each.value)), sort_keys=True) for each in (there, wanted)]
    return (
        documents[0] == documents[1] and there.content_type == wanted.content_type and (there.tags or {}) == wanted.tags
    )


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    """Leave out what says nothing: the SDK fills a flag that it reads with members that are null or empty."""
    plain = {name: value for name, value in document.items() if value is not None}
    conditions = plain.get("conditions")
    if isinstance(conditions, dict):
        plain["conditions"] = {name: value for name, value in conditions.items() if value}
    return {name: value for name, value in plain.items() if name != "conditions" or value}


def _document_of(text: str | None) -> dict[str, Any]:
    """Return the JSON object in a key-value; an empty one where it holds something else."""
    try:
        document = json.loads(text or "")
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
