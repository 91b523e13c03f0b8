"""Whole documents of flags over the API: the formats, what is asked of an import, and what came of one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, Final, TypeVar, assert_never

from shared.domain.errors import InvalidError, Problem
from shared.domain.flags.model import Flag, Segment
from shared.domain.names import EnvironmentName
from shared.wire.findings import closest, shown
from shared.wire.flag_requests import is_set, reason_of
from shared.wire.flags.collection import Collection, collection_document, held_to_documents, read_each
from shared.wire.flags.document import read_document
from shared.wire.flags.faithful import faithful
from shared.wire.flags.notes import Exported, Imported, Note
from shared.wire.source import Source

LONGEST: Final = 4 * 1024 * 1024
"""In bytes: so long a body an import may have."""
HASHING: Final = "flagd-hashing"
_WAYS: Final = ("1", "2", "3")
"""The ways in which flagd divided users, by their numbers."""


class FlagFormat(StrEnum):
    """Whose document it is."""

    SLIPWAY = "slipway"
    FLAGD = "flagd"
    MICROSOFT = "microsoft"
    LAUNCHDARKLY = "launchdarkly"
    APP_CONFIGURATION = "app-configuration"
    """Microsoft's flags as key-values; only written."""


class Outcome(StrEnum):
    """What came of one flag or segment of an import."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    PROPOSED = "proposed"
    """It waits for approvals."""
    REFUSED = "refused"
    POSTPONED = "postponed"
    """There was no time left for it: send the same document again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transferred:
    """One flag or segment, and what came of it."""

    key: str
    outcome: Outcome
    revision: int = 0
    """The revision that stands there after it; 0: none."""
    reasons: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRequest:
    """What is asked of an import."""

    format: FlagFormat
    imported: Imported
    dry_run: bool
    overwrite: bool
    """Whether what is there already may be changed."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """What came of an import, or would come of it."""

    flags: tuple[Transferred, ...]
    segments: tuple[Transferred, ...]


def parse_import(params: Mapping[str, str], body: bytes, content_type: str | None) -> ImportRequest:
    """Return the request. Raises `InvalidError` for a document that is none of the format that it says it is."""
    chosen = _one_of(params, "format", [each for each in FlagFormat if each is not FlagFormat.APP_CONFIGURATION])
    way = _one_of(params, HASHING, list(_WAYS), default="3")
    dry_run, overwrite, reason = is_set(params, "dry-run"), is_set(params, "overwrite"), reason_of(params)
    imported = _imported(chosen, read_document(body, content_type, at_most=LONGEST), way)
    return ImportRequest(format=chosen, imported=imported, dry_run=dry_run, overwrite=overwrite, reason=reason)


def _imported(chosen: FlagFormat, source: Source, way: str) -> Imported:
    """Read a document. The readers are loaded here: a worker that only serves flags needs none of them."""
    match chosen:
        case FlagFormat.FLAGD:
            from shared.wire.flags.flagd import WAYS, import_flagd

            return import_flagd(source.value, hashing=WAYS[way])
        case FlagFormat.MICROSOFT:
            from shared.wire.flags.microsoft import import_microsoft

            return import_microsoft(source.value)
        case FlagFormat.LAUNCHDARKLY:
            from shared.wire.flags.launchdarkly import import_launchdarkly

            return held_to_documents(import_launchdarkly(source.value))
        case _:
            return read_each(source)


def lossy_in(params: Mapping[str, str]) -> bool:
    """Return the query parameter `lossy`: whether what would serve differently is wanted. Raises `InvalidError`."""
    return is_set(params, "lossy")


def export_format_in(params: Mapping[str, str]) -> FlagFormat:
    """Return the query parameter `format`. Raises `InvalidError`."""
    return _one_of(params, "format", list(FlagFormat))


def _exported(chosen: FlagFormat, flags: Sequence[Flag], segments: Sequence[Segment]) -> Exported:
    match chosen:
        case FlagFormat.FLAGD:
            from shared.wire.flags.flagd_export import export_flagd

            return export_flagd(flags, segments)
        case FlagFormat.MICROSOFT | FlagFormat.APP_CONFIGURATION:
            from shared.wire.flags.microsoft_export import export_microsoft, key_values

            exported = export_microsoft(flags, segments)
            return exported if chosen is FlagFormat.MICROSOFT else key_values(exported)
        case FlagFormat.LAUNCHDARKLY:
            from shared.wire.flags.launchdarkly_export import export_launchdarkly

            return export_launchdarkly(flags, segments)
        case FlagFormat.SLIPWAY:
            return Exported(collection_document(Collection(tuple(flags), tuple(segments))))
        case _:
            assert_never(chosen)


def export_view(
    environment: EnvironmentName,
    chosen: FlagFormat,
    flags: Iterable[Flag],
    segments: Iterable[Segment],
    *,
    lossy: bool = False,
) -> dict[str, object]:
    """Return the document in this format, what it does not carry, and what was refused.

    What would serve differently there is refused, or with `lossy` in the document with a note.
    """
    write = partial(_exported, chosen)
    listed, groups = tuple(flags), tuple(segments)
    exported = write(listed, groups) if lossy else faithful(write, listed, groups)
    return {
        "environment": environment,
        "format": chosen,
        "document": exported.document,
        "notes": [_note(note) for note in exported.notes],
        "refused": [
            {"subject": each.subject, "path": each.problem.path, "detail": each.problem.message}
            for each in exported.refused
        ],
    }


def import_view(environment: EnvironmentName, request: ImportRequest, result: ImportResult) -> dict[str, object]:
    """Return what came of each, with what its import could not carry; `complete` where nothing was postponed."""
    every = (*result.flags, *result.segments)
    notes: dict[str, list[Note]] = {}
    for note in request.imported.notes:
        notes.setdefault(note.subject, []).append(note)
    subjects = {each.key for each in every}
    return {
        "environment": environment,
        "format": request.format,
        "dry_run": request.dry_run,
        "complete": all(each.outcome is not Outcome.POSTPONED for each in every),
        "counts": {outcome: sum(each.outcome is outcome for each in every) for outcome in Outcome},
        "flags": [_line(each, notes) for each in result.flags],
        "segments": [_line(each, notes) for each in result.segments],
        "notes": [_note(note) for note in request.imported.notes if note.subject not in subjects],
    }


def _line(each: Transferred, notes: Mapping[str, Sequence[Note]]) -> dict[str, object]:
    return {
        "key": each.key,
        "outcome": each.outcome,
        "revision": each.revision or None,
        "reasons": [
            {"path": problem.path, "detail": problem.message, **({"line": problem.line} if problem.line else {})}
            for problem in each.reasons
        ],
        "notes": [_note(note) for note in notes.get(each.key, ())],
    }


def _note(note: Note) -> dict[str, Any]:
    return {"subject": note.subject, "fate": note.fate, "says": note.words}


Choice = TypeVar("Choice", bound=str)


def _one_of(params: Mapping[str, str], name: str, allowed: list[Choice], default: Choice | None = None) -> Choice:
    text = params.get(name)
    if text is None and default is not None:
        return default
    for each in allowed:
        if each == text:
            return each
    found = "is missing" if text is None else f"found {shown(text)}"
    near = closest(text, allowed) if text else ""
    raise InvalidError(Problem(name, f"{found}; allowed is {' or '.join(allowed)}{near}"))
