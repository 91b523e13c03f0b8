"""Reads YAML 1.2 (core schema) with the line of each value, and none of what makes YAML dangerous."""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn, TypeVar

from shared.domain.errors import InvalidError, Problem
from shared.wire.findings import text_of
from shared.wire.json_source import MAX_BODY_BYTES, MAX_DIGITS, SURROGATE, read_text
from shared.wire.source import Lines, Path, Source

T = TypeVar("T")

MAX_DEPTH: Final = 32
MAX_NODES: Final = 10_000
"""How many values a document may have, each use of an alias counted in full."""

_CORE: Final = "tag:yaml.org,2002:"
_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_DECIMAL: Final = re.compile(r"[-+]?[0-9]+")
_OCTAL: Final = re.compile(r"0o[0-7]+")
_HEXADECIMAL: Final = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_SCALAR_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "null": (type(None),),
}


def read_yaml(body: bytes, *, at_most: int = MAX_BODY_BYTES, at_most_nodes: int = MAX_NODES) -> Source:
    """Return the one document in a body, of at most 256 KB of UTF-8 where nothing else is said.

    Plain words follow the core schema of YAML 1.2: `on`, `yes` and `1_000` are texts, `0o17` is 15. Raises
    `InvalidError` with the line for broken syntax, repeated keys, keys that are no text, foreign tags, NaN and
    infinity, a second document, nesting beyond `MAX_DEPTH`, and more than `MAX_NODES` (or so many) values.
    """
    return _read(body, _Composer.document, at_most, at_most_nodes)


def read_yaml_documents(body: bytes) -> tuple[Source, ...]:
    """Return every document in a body, as `read_yaml` reads one; the bounds are those of the body as a whole."""
    return _read(body, _Composer.documents)


def _read(
    body: bytes, compose: Callable[["_Composer"], T], at_most: int = MAX_BODY_BYTES, at_most_nodes: int = MAX_NODES
) -> T:
    import yaml

    text = read_text(body, at_most=at_most)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return compose(_Composer(iter(yaml.parse(text, Loader=loader)), at_most_nodes))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        _refuse((), _syntax(text, error, mark.line if mark else None), mark.line + 1 if mark else None)
    except yaml.YAMLError:
        _refuse((), "the text holds a control character, which YAML does not take")


def _syntax(text: str, error: Any, line: int | None) -> str:
    lines = text.splitlines()
    broken = lines[line] if line is not None and line < len(lines) else ""
    if "\t" in broken[: len(broken) - len(broken.lstrip())]:
        return "YAML is not indented with tabs; use spaces"
    if "nesting depth" in (error.problem or ""):
        return f"nests deeper than {MAX_DEPTH} levels"
    return f"the text is not YAML: {' '.join(filter(None, (error.context, error.problem)))}"


def resolve(text: str) -> Any:
    """Return the value of a plain word by the core schema. Raises ValueError for NaN, infinity and endless numbers."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _NOT_FINITE.fullmatch(text):
        raise ValueError(f"{text} is not a finite number")
    return _number(text)


def _number(text: str) -> Any:
    if not _FLOAT.fullmatch(text) and not _OCTAL.fullmatch(text) and not _HEXADECIMAL.fullmatch(text):
        return text
    if len(text) > MAX_DIGITS:
        raise ValueError(f"{text[:20]}... is a number of {len(text)} digits, at most {MAX_DIGITS} are read")
    if _DECIMAL.fullmatch(text):
        return int(text)
    if text.startswith(("0o", "0x")):
        return int(text, 0)
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text:.40} is not a finite number")
    return number


@dataclass(frozen=True, slots=True)
class _Anchored:
    source: Source
    nodes: int


class _Composer:
    """Builds values from the events of a YAML parser."""

    def __init__(self, events: Iterator[Any], at_most_nodes: int) -> None:
        self._events = events
        self._at_most_nodes = at_most_nodes
        self._anchored: dict[str, _Anchored] = {}
        self._nodes = 0

    def document(self) -> Source:
        self._next("StreamStartEvent")
        start = next(self._events)
        if type(start).__name__ == "StreamEndEvent":
            _refuse((), "the body is empty, it must be YAML or JSON")
        source = self._document()
        end = next(self._events)
        if type(end).__name__ != "StreamEndEvent":
            _refuse((), "a second document begins here; one is taken", _line(end))
        return source

    def documents(self) -> tuple[Source, ...]:
        self._next("StreamStartEvent")
        sources = []
        while type(next(self._events)).__name__ != "StreamEndEvent":
            sources.append(self._document())
        return tuple(sources)

    def _document(self) -> Source:
        self._anchored = {}
        source = self._node(next(self._events), (), 0)
        self._next("DocumentEndEvent")
        return source

    def _next(self, expected: str) -> None:
        event = next(self._events)
        if type(event).__name__ != expected:
            raise AssertionError(f"{expected} expected, not {event}")

    def _node(self, event: Any, path: Path, depth: int) -> Source:
        if depth > MAX_DEPTH:
            _refuse(path[:4], f"nests deeper than {MAX_DEPTH} levels", _line(event))
        if type(event).__name__ == "AliasEvent":
            return self._alias(event, path)
        before = self._nodes
        self._count(1, path, event)
        source = self._fresh(event, path, depth)
        if event.anchor is not None:
            self._anchored[event.anchor] = _Anchored(source, self._nodes - before)
        return source

    def _fresh(self, event: Any, path: Path, depth: int) -> Source:
        match type(event).__name__:
            case "MappingStartEvent":
                _check_tag(event, "map", path)
                return self._mapping(event, path, depth)
            case "SequenceStartEvent":
                _check_tag(event, "seq", path)
                return self._sequence(event, path, depth)
            case _:
                return Source(_scalar(event, path), Lines(_line(event)))

    def _alias(self, event: Any, path: Path) -> Source:
        anchored = self._anchored.get(event.anchor)
        if anchored is None:
            _refuse(path, f"*{event.anchor:.40} names no value that stands complete before it", _line(event))
        self._count(anchored.nodes, path, event)
        return anchored.source

    def _count(self, nodes: int, path: Path, event: Any) -> None:
        self._nodes += nodes
        if self._nodes > self._at_most_nodes:
            reached = f"here the document reaches {self._at_most_nodes} values, more are not read"
            _refuse(path[:4], reached, _line(event))

    def _sequence(self, start: Any, path: Path, depth: int) -> Source:
        entries: list[Source] = []
        while type(event := next(self._events)).__name__ != "SequenceEndEvent":
            entries.append(self._node(event, (*path, len(entries)), depth + 1))
        inside: dict[str | int, Lines] = {index: entry.lines for index, entry in enumerate(entries) if entry.lines}
        return Source([entry.value for entry in entries], Lines(_line(start), inside))

    def _mapping(self, start: Any, path: Path, depth: int) -> Source:
        members: dict[str, Any] = {}
        inside: dict[str | int, Lines] = {}
        while type(event := next(self._events)).__name__ != "MappingEndEvent":
            key = self._key(event, path, depth)
            if key in members:
                _refuse((*path, key), f"the key stands twice; first in line {inside[key].line}", _line(event))
            member = self._node(next(self._events), (*path, key), depth + 1)
            members[key] = member.value
            inside[key] = Lines(_line(event), member.lines.inside if member.lines else {})
        return Source(members, Lines(_line(start), inside))

    def _key(self, event: Any, path: Path, depth: int) -> str:
        key = self._node(event, path, depth + 1).value
        if not isinstance(key, str):
            _refuse(path, "a key must be a text; put it in quotes if it looks like something else", _line(event))
        return key


def _scalar(event: Any, path: Path) -> Any:
    try:
        if event.tag is not None and event.tag != "!":
            return _tagged(event, path)
        is_plain = event.implicit[0] and event.tag is None
        return resolve(event.value) if is_plain else _text(event.value)
    except ValueError as error:
        _refuse(path, str(error), _line(event))


def _tagged(event: Any, path: Path) -> Any:
    kind = str(event.tag).removeprefix(_CORE)
    if not str(event.tag).startswith(_CORE) or kind not in _SCALAR_TYPES:
        _refuse_tag(event, path)
    value = _text(event.value) if kind == "str" else resolve(event.value)
    if type(value) not in _SCALAR_TYPES[kind]:
        raise ValueError(f"{event.value[:40]!r} is not of the type !!{kind}")
    return value


def _text(text: str) -> str:
    if SURROGATE.search(text):
        raise ValueError("holds half a surrogate pair (\\ud800 to \\udfff), which is no character")
    return text


def _check_tag(event: Any, kind: str, path: Path) -> None:
    if event.tag not in (None, "!", f"{_CORE}{kind}"):
        _refuse_tag(event, path)


def _refuse_tag(event: Any, path: Path) -> NoReturn:
    tag = str(event.tag).replace(_CORE, "!!")
    _refuse(path, f"the tag {tag:.60} is not taken; values are texts, numbers, lists and mappings", _line(event))


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _refuse(path: Path, message: str, line: int | None = None) -> NoReturn:
    raise InvalidError(Problem(text_of(path), message, line)) from None
