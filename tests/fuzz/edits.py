"""Small damage: one entry dropped, doubled, renamed, put elsewhere, or replaced by what nobody expects there.

An edit is data, so that a test can draw it, print it and shrink it, and a loop can make it of a random number.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

Way = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Raw:
    """Text that stands in JSON as it is, such as NaN."""

    text: str


class Again(str):
    """A key that may stand twice in one object."""

    __slots__ = ()
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


@dataclass(frozen=True, slots=True)
class Edit:
    """One change. `at` counts places in the order of the document, as often round as needed."""

    kind: str
    at: int
    by: int = 0
    what: Any = None


HOSTILE: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1, 0.5, -0.0, 1e308, 5e-324, 1e-9, 2**31, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**99,
    Raw("NaN"), Raw("Infinity"), Raw("-Infinity"), Raw("1e999"), Raw("-0"), Raw("0" * 50), Raw("9" * 150),
    Raw("1e-400"),
    Raw("9" * 5000), Raw("[" * 70 + "]" * 70), Raw('{"a":' * 70 + "1" + "}" * 70), Raw("[" * 20_000),
    "", " ", "\x00", "\ud800", "\udc00a", "\ufeff", "\u202e", "\u2028", "𝒳🚢", "²", "٣", "½", "İ", "ß" * 40, "x" * 1000,
    "x" * 70_000, "a\r\nb", "\t", "\\", '"', "'", "%", "%s", "{0}", "${x}", "{{x}}", "../..", "//", "a/b", "a~1b", "#",
    "NaN", "Infinity", "-inf", "1e400", "null", "on", "no", "1_000", "0x10", "0o17", "1e3", "+5", "-5", "5.", ".5",
    "100%", "0%", "99.9995%", "1e2%", "²%", "0ms", "3601s", "1h", "P1D", "PT0S", "PT" + "9" * 30 + "S", "9" * 40,
    "P9999999999D", "365d", "p99.9", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00", "2026-02-30",
    "2026-06-30T23:59:60Z", "2026-01-01T00:00:00", "24:00", "* * * * *", "0 0 30 2 *", "*/0 * * * *", "1-60 * * * *",
    "(a+)+$", "[", "(?<x>", "a{99999}", "UTC", "Europe/Berlin", "../etc/passwd", "https://x.example/", "http://[::1",
    "https://user:pass@h:99999/", "file:///etc/passwd", "javascript:1", "1.2.3-rc.1+b", "=HYPERLINK()", "__proto__",
    [], {}, [[]], [{}], {"": None}, [None] * 300, {"a": {"a": {"a": {}}}}, {str(n): n for n in range(200)}, ["x", "x"],
)  # fmt: skip

KINDS: Final = (
    "borrow",
    "borrow",
    "borrow",
    "borrow",
    "drop",
    "double",
    "replace",
    "rename",
    "add",
    "move",
    "wrap",
    "spell",
    "lengthen",
)
TEXT_KINDS: Final = ("cut", "remove", "repeat", "insert", "flip")

TOKENS: Final[tuple[bytes, ...]] = (
    b"\x00", b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xff\xfe", b"\n", b"\r", b"\n\n", b"\t", b" ",
    b",", b":", b"{", b"}", b"[", b"]", b'"', b"'", b"#", b"-", b"- ", b"? ", b"| ", b">-\n", b"%", b"/",
    b"\\", b"\\u0000",
    b"\\ud800", b"&a ", b"*a", b"<<: *a\n", b"!!python/object/apply:os.system [ls]", b"!!binary aGk=", b"!x ",
    b"on: 1\n",
    b"yes", b"~", b"---\n", b"...\n", b"%YAML 1.1\n---\n", b"{" * 1000, b"[" * 100_000, b"a: " * 500,
    b"9" * 400, b"1e999",
    b"a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
    b"d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n",
    b"\xe2\x80\xa8", b"\xc2\x85", b"\xe2\x80\xae", b"\xf0\x9f\x9a\xa2", b"\x1f\x8b\x08\x00",
)  # fmt: skip


def random_edit(random: Random, words: Sequence[Any], kinds: Sequence[str] = KINDS) -> Edit:
    """Return an edit made of chance alone; `words` are values that the format itself uses."""
    what = random.choice(words) if words and random.random() < 0.5 else random.choice(HOSTILE)
    return Edit(random.choice(kinds), random.randrange(1 << 16), random.randrange(1 << 16), what)


def random_text_edit(random: Random, tokens: Sequence[bytes] = TOKENS) -> Edit:
    """Return an edit of bytes made of chance alone."""
    return Edit(random.choice(TEXT_KINDS), random.randrange(1 << 24), random.randrange(1 << 24), random.choice(tokens))


def edited(document: Any, edits: Sequence[Edit], known: Mapping[str, Sequence[Any]]) -> Any:
    """Return the document after the edits, each on what the one before has left.

    `known` is what stands under each key in documents that make sense: an edit may borrow it.
    """
    for edit in edits:
        document = _edited(document, edit, known)
    return document


def _edited(document: Any, edit: Edit, known: Mapping[str, Sequence[Any]]) -> Any:
    ways = list(_ways(document, ()))
    if edit.kind == "borrow":
        ways = [way for way in ways if way and way[-1] in known] or [()]
    way = ways[edit.at % len(ways)]
    if not way:
        return document if edit.kind in ("borrow", "drop", "double", "rename") else _changed(document, document, edit)
    holder = _copied(document, way[:-1])
    inside, key = _at(holder, way[:-1]), way[-1]
    match edit.kind:
        case "drop":
            del inside[key]
        case "double" if isinstance(inside, list):
            inside[key:key] = [inside[key]] * (edit.by % 3 + 1 if edit.by % 50 else 300)
        case "double":
            inside[Again(key)] = inside[key]
        case "rename" if isinstance(inside, dict):
            name = edit.what if isinstance(edit.what, str) else f"{key}x"
            renamed = [(Again(name) if each is key and name in inside else name if each is key else each, value)
                       for each, value in inside.items()]  # fmt: skip
            inside.clear()
            inside.update(renamed)
        case "borrow":
            inside[key] = known[key][edit.by % len(known[key])]
        case "move":
            inside[key] = _at(document, ways[edit.by % len(ways)])
        case _:
            inside[key] = _changed(document, inside[key], edit)
    return holder


def _changed(document: Any, value: Any, edit: Edit) -> Any:
    match edit.kind, value:
        case "wrap", _:
            return ([value], {"value": value}, [value, value], {"": value})[edit.by % 4]
        case "spell", str():
            return value.upper() if edit.by % 2 else value[: edit.by % (len(value) + 1)]
        case "spell", bool() | None:
            return str(value).lower()
        case "spell", int() | float():
            return (str(value), -value, value + 1, value / 3, value * 1000)[edit.by % 5]
        case "lengthen", str() if isinstance(edit.what, str):
            place = edit.by % (len(value) + 1)
            return value[:place] + edit.what + value[place:]
        case "add", dict():
            name = edit.what if isinstance(edit.what, str) else "extra"
            return {**value, name: HOSTILE[edit.by % len(HOSTILE)]}
        case "add", list():
            return [*value, edit.what]
        case _:
            return edit.what


def _ways(value: Any, way: Way) -> Iterator[Way]:
    yield way
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        yield from _ways(each, (*way, key))


def places_in(document: Any) -> int:
    """Return how many places an edit can be at."""
    return sum(1 for _ in _ways(document, ()))


def _at(value: Any, way: Way) -> Any:
    for key in way:
        value = value[key]
    return value


def _copied(value: Any, way: Way) -> Any:
    """Return the value with all on the way copied, so that it can be changed there."""
    copied = dict(value) if isinstance(value, dict) else list(value)
    if way:
        copied[way[0]] = _copied(copied[way[0]], way[1:])
    return copied


def edited_text(text: bytes, edits: Sequence[Edit]) -> bytes:
    """Return the bytes after the edits."""
    for edit in edits:
        start = edit.at % (len(text) + 1)
        end = min(start + edit.by % 40 + 1, len(text))
        match edit.kind:
            case "cut":
                text = text[:start]
            case "remove":
                text = text[:start] + text[end:]
            case "repeat":
                text = text[:end] + text[start:end] * (edit.by % 5 + 1) + text[end:]
            case "flip":
                text = text[:start] + bytes(255 - byte for byte in text[start : start + 1]) + text[start + 1 :]
            case _:
                text = text[:start] + edit.what + text[start:]
    return text


def json_text(value: Any) -> str:
    """Return the value as JSON, which it may break: keys twice, NaN, halves of surrogate pairs."""
    match value:
        case Raw(text):
            return text
        case dict():
            return f"{{{','.join(f'{json.dumps(str(key))}:{json_text(each)}' for key, each in value.items())}}}"
        case list() | tuple():
            return f"[{','.join(map(json_text, value))}]"
        case _:
            return json.dumps(value)


def known_of(documents: Sequence[Any]) -> dict[str, tuple[Any, ...]]:
    """Return what stands under each key of the documents, each value once."""
    found: dict[str, dict[str, Any]] = {}
    for document in documents:
        for way in _ways(document, ()):
            if way and isinstance(way[-1], str):
                value = _at(document, way)
                found.setdefault(way[-1], {})[json.dumps(value)] = value
    return {key: tuple(values.values())[:200] for key, values in found.items()}


def words_of(documents: Sequence[Any]) -> tuple[Any, ...]:
    """Return the keys and plain values that documents use: what a format is made of."""
    found: dict[str, Any] = {}
    level = list(documents)
    while level:
        value = level.pop()
        if isinstance(value, dict):
            found.update({f"s{key}": key for key in value})
            level.extend(value.values())
        elif isinstance(value, list):
            level.extend(value)
        elif not isinstance(value, str) or len(value) <= 200:
            found[f"{type(value).__name__}{value}"] = value
    return tuple(found.values())[:2000]
