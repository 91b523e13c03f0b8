"""Several flags and segments in one document: `{"flags": [...], "segments": [...]}`, or one by itself."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from shared.domain.errors import InvalidError, Problem
from shared.domain.flags.model import Flag, Segment
from shared.domain.flags.operators import Regexes
from shared.domain.flags.problems import problems_of, problems_of_segment
from shared.wire.findings import shown
from shared.wire.flags.document import flag_document, read_document, read_flag
from shared.wire.flags.members import LONGEST_KEY
from shared.wire.flags.notes import Imported, Refused
from shared.wire.flags.segment_document import read_segment, segment_document
from shared.wire.source import Source

LONGEST: Final = 16 * 1024 * 1024
"""In bytes."""
_OF_FLAGS: Final = frozenset({"variants", "type", "off", "default", "enabled", "killed", "targets", "prerequisites"})
"""Members that a segment has never."""


@dataclass(frozen=True, slots=True)
class Collection:
    """What a document says."""

    flags: tuple[Flag, ...]
    segments: tuple[Segment, ...]


def parse_collection(body: bytes, *, regexes: Regexes | None = None) -> Collection:
    """Return the flags and segments. Raises `InvalidError` with all problems, those of each by itself first.

    What they ask of each other is looked at where the document holds several: one by itself may name segments and
    prerequisites that lie elsewhere. Patterns are looked at only with `regexes`.
    """
    source = read_document(body, at_most=LONGEST)
    if not isinstance(source.value, dict) or not {"flags", "segments"} & source.value.keys():
        return _one(source, regexes)
    problems = [
        Problem(name, "is not a field here; allowed are flags and segments", source.line_of((name,)))
        for name in source.value
        if name not in ("$schema", "flags", "segments")
    ]
    flags, segments = _entries(source, "flags", problems), _entries(source, "segments", problems)
    collection = Collection(
        tuple(_read(each, path, read_flag, problems) for path, each in flags),
        tuple(_read(each, path, read_segment, problems) for path, each in segments),
    )
    if not problems:
        problems += _among(collection, [path for path, _ in flags], [path for path, _ in segments], regexes)
    if problems:
        raise InvalidError(*problems)
    return collection


def _one(source: Source, regexes: Regexes | None) -> Collection:
    """Return the flag, or the segment, that a document is. What its patterns add to its problems is wrong with them."""
    if _is_segment(source.value):
        segment = read_segment(source)
        known = problems_of_segment(segment, {})
        wrong = [each for each in problems_of_segment(segment, {}, regexes=regexes) if each not in known]
        collection = Collection((), (segment,))
    else:
        flag = read_flag(source)
        known = problems_of(flag, {}, {})
        wrong = [each for each in problems_of(flag, {}, {}, regexes=regexes) if each not in known]
        collection = Collection((flag,), ())
    if wrong:
        raise InvalidError(*wrong)
    return collection


def _is_segment(value: Any) -> bool:
    """Whether it has members of a segment, or rules that serve nothing, and nothing that only a flag has."""
    if not isinstance(value, dict) or _OF_FLAGS & value.keys():
        return False
    rules = value.get("rules")
    serves_nothing = isinstance(rules, list) and not any("serve" in each for each in rules if isinstance(each, dict))
    return bool({"included", "excluded"} & value.keys()) or bool(rules and serves_nothing)


def read_each(source: Source) -> Imported:
    """Return those flags and segments that can be read, each by itself; of the others, what is wrong with them.

    What they ask of each other is not looked at. Raises `InvalidError` for what is no such document at all, and for one
    that holds nothing.
    """
    if not isinstance(source.value, dict) or not {"flags", "segments"} & source.value.keys():
        return Imported(flags=(read_flag(source),))
    if not any(source.value.get(name) for name in ("flags", "segments")):
        raise InvalidError(Problem("flags", "the document holds no flag and no segment"))
    problems: list[Problem] = []
    found: dict[str, list[Any]] = {}
    refused: list[Refused] = []
    for name, read in (("flags", read_flag), ("segments", read_segment)):
        known: dict[str, Any] = {}
        for path, each in _entries(source, name, problems):
            wrong: list[Problem] = []
            entry = _read(each, path, read, wrong)
            if entry is not None and entry.key in known:
                wrong.append(Problem(f"{path}.key", f"found {shown(entry.key)}; allowed is each key once"))
            if wrong:
                refused += [Refused(_subject(each, path), problem, name == "segments") for problem in wrong]
            else:
                known[entry.key] = entry
        found[name] = list(known.values())
    if problems:
        raise InvalidError(*problems)
    return Imported(flags=tuple(found["flags"]), segments=tuple(found["segments"]), refused=tuple(refused))


def held_to_documents(imported: Imported) -> Imported:
    """Return the import with those refused that our own documents cannot say, by their lists or texts being too long.

    What is saved can so be written, sent back and restored.
    """
    refused: list[Refused] = []

    def held(each: Any, document: dict[str, Any], read: Callable[[Source], Any]) -> bool:
        try:
            read(Source(document))
        except InvalidError as error:
            refused.extend(Refused(each.key, problem, isinstance(each, Segment)) for problem in error.problems)
            return False
        return True

    segments = tuple(each for each in imported.segments if held(each, segment_document(each), read_segment))
    flags = tuple(each for each in imported.flags if held(each, flag_document(each), read_flag))
    return replace(imported, flags=flags, segments=segments, refused=(*imported.refused, *refused))


def _subject(source: Source, path: str) -> str:
    """Return the key that an entry gives itself, or its place where it has none."""
    key = source.value.get("key") if isinstance(source.value, dict) else None
    return key[:LONGEST_KEY] if isinstance(key, str) and key else path


def _entries(source: Source, name: str, problems: list[Problem]) -> list[tuple[str, Source]]:
    listed = source.value.get(name, [])
    if not isinstance(listed, list):
        problems.append(Problem(name, f"found {shown(listed)}; allowed is a list", source.line_of((name,))))
        return []
    lines = source.lines.inside.get(name) if source.lines is not None else None
    return [
        (f"{name}[{index}]", Source(each, lines.inside.get(index) if lines is not None else None))
        for index, each in enumerate(listed)
    ]


def _read(source: Source, path: str, read: Any, problems: list[Problem]) -> Any:
    try:
        return read(source)
    except InvalidError as error:
        problems += [_below(path, problem) for problem in error.problems]
        return None


def _below(path: str, problem: Problem) -> Problem:
    return Problem(f"{path}.{problem.path}".removesuffix("."), problem.message, problem.line)


def _among(
    collection: Collection, flag_paths: list[str], segment_paths: list[str], regexes: Regexes | None
) -> list[Problem]:
    flags, segments = {each.key: each for each in collection.flags}, {each.key: each for each in collection.segments}
    problems = _repeated(flag_paths, [each.key for each in collection.flags])
    problems += _repeated(segment_paths, [each.key for each in collection.segments])
    for path, flag in zip(flag_paths, collection.flags, strict=True):
        problems += [_below(path, problem) for problem in problems_of(flag, flags, segments, regexes=regexes)]
    for path, segment in zip(segment_paths, collection.segments, strict=True):
        problems += [_below(path, problem) for problem in problems_of_segment(segment, segments, regexes=regexes)]
    return problems


def _repeated(paths: list[str], keys: list[Any]) -> list[Problem]:
    return [
        Problem(f"{path}.key", f"found {shown(key)}; allowed is each key once")
        for index, (path, key) in enumerate(zip(paths, keys, strict=True))
        if key in keys[:index]
    ]


def collection_document(collection: Collection) -> dict[str, Any]:
    """Return the document; `parse_collection` reads the same from it."""
    return {
        "flags": [flag_document(each) for each in collection.flags],
        "segments": [segment_document(each) for each in collection.segments],
    }
