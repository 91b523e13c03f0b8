"""Inputs for a parser: anything at all, any JSON, and its seeds with a few edits.

A message is changed as a document of its headers and its body, so that both meet the same edits.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from hypothesis import strategies as st

from shared.domain.errors import InvalidError
from shared.wire.yaml_source import read_yaml
from tests.fuzz.edits import (
    HOSTILE,
    KINDS,
    TEXT_KINDS,
    TOKENS,
    Edit,
    edited,
    edited_text,
    json_text,
    known_of,
    random_edit,
    random_text_edit,
    words_of,
)
from tests.fuzz.parser import Form, Parser, message_parts

MOST_EDITS = 4
_NONE = object()


@dataclass(frozen=True, slots=True)
class Seed:
    """One input that makes sense, and its value where it is a document."""

    text: bytes
    document: Any

    @property
    def has_document(self) -> bool:
        """Whether it can be changed as a document."""
        return self.document is not _NONE


@dataclass(frozen=True, slots=True)
class Source:
    """Where the inputs of one parser come from."""

    form: Form
    seeds: tuple[Seed, ...]
    taken: tuple[Seed, ...]
    """Those of them that the parser takes: as many inputs come from these as from all."""
    words: tuple[Any, ...]
    """What the seeds themselves say."""
    known: Mapping[str, Sequence[Any]]
    """What they say under each key."""

    def damaged(self, random: Random, text: bytes | None = None) -> bytes:
        """Return a seed, or this text in its place, after a few edits that chance has made."""
        return self.edited_seed(
            random.choice(random.choice((self.seeds, self.taken))) if text is None else seed_of(text, self.form),
            [random_edit(random, self.words) for _ in range(random.choice((1, 1, 1, 1, 2, 4)))],
            [random_text_edit(random) for _ in range(random.choice((0, 0, 0, 0, 0, 1, 2)))],
            as_block=random.random() < 0.4,
        )

    def edited_seed(self, seed: Seed, edits: Sequence[Edit], text_edits: Sequence[Edit], *, as_block: bool) -> bytes:
        """Return a seed after edits of its document, and then of its bytes. `as_block`: as YAML in lines."""
        if not seed.has_document:
            return edited_text(seed.text, [*map(_of_text, edits), *text_edits])
        document = edited(seed.document, edits, self.known)
        block = _block(document) if as_block and self.form is Form.YAML else None
        return edited_text(block or rendered(document, self.form), text_edits)


def rendered(document: Any, form: Form) -> bytes:
    """Return the document as an input of this form."""
    match document:
        case {"headers": dict(headers)} if form is Form.MESSAGE:
            lines = (
                f"{name}: {value if isinstance(value, str) else json_text(value)}" for name, value in headers.items()
            )
            head = "".join(f"{line}\n" for line in lines) + "\n"
            body = json_text(document["body"]) if "body" in document else ""
            return (head + body).encode("utf-8", "surrogatepass")
        case _:
            return json_text(document).encode("utf-8", "surrogatepass")


def _of_text(edit: Edit) -> Edit:
    """An edit of a document as one of bytes, for what is no document."""
    what = edit.what if isinstance(edit.what, str) else json_text(edit.what)[:2000]
    return Edit(TEXT_KINDS[edit.by % len(TEXT_KINDS)], edit.at, edit.by, what.encode("utf-8", "surrogatepass"))


def _block(document: Any) -> bytes | None:
    """Return the document as YAML in lines; None where YAML cannot say it."""
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    try:
        return yaml.dump(document, Dumper=dumper, allow_unicode=True, sort_keys=False).encode()
    except (yaml.YAMLError, UnicodeError):
        return None


@cache
def source_of(parser: Parser) -> Source:
    """Return the parser's seeds, taken apart."""
    seeds = tuple(seed_of(text, parser.form) for text in dict.fromkeys(parser.seeds()))
    documents = [seed.document for seed in seeds if seed.has_document]
    taken = tuple(seed for seed in seeds if _takes(parser, seed.text))
    return Source(parser.form, seeds, taken or seeds, words_of(documents), known_of(documents))


def _takes(parser: Parser, text: bytes) -> bool:
    with suppress(Exception):  # whatever is wrong with a seed, a test says
        parser.read(text)
        return True
    return False


def seed_of(text: bytes, form: Form) -> Seed:
    """Return a text taken apart, as far as it can be read."""
    try:
        return Seed(text, _document(text, form))
    except (ValueError, RecursionError, InvalidError):
        return Seed(text, _NONE)


def _document(text: bytes, form: Form) -> Any:
    match form:
        case Form.TEXT:
            return _NONE
        case Form.YAML:
            return read_yaml(text).value
        case Form.MESSAGE:
            headers, body = message_parts(text)
            return {"headers": headers, **({"body": json.loads(body)} if body else {})}
        case Form.JSON:
            return json.loads(text)


def edits(words: Sequence[Any]) -> st.SearchStrategy[Edit]:
    """Edits of a document."""
    plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    what = st.sampled_from(words or ("x",)) | st.sampled_from(HOSTILE) | plain
    return st.builds(Edit, st.sampled_from(KINDS), st.integers(0, 1 << 16), st.integers(0, 1 << 16), what)


def text_edits() -> st.SearchStrategy[Edit]:
    """Edits of bytes."""
    what = st.sampled_from(TOKENS) | st.binary(max_size=12)
    return st.builds(Edit, st.sampled_from(TEXT_KINDS), st.integers(0, 1 << 20), st.integers(0, 1 << 20), what)


def any_json() -> st.SearchStrategy[bytes]:
    """Return any JSON value, and some that break the rules of JSON."""
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(HOSTILE)
    values = st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5)
    )
    return values.map(lambda value: json_text(value).encode("utf-8", "surrogatepass"))


def inputs(parser: Parser) -> st.SearchStrategy[bytes]:
    """All that a parser is tried with; three of five are its seeds, damaged."""
    source = source_of(parser)
    anything, json_value = st.binary(max_size=200), any_json()
    if parser.form is Form.MESSAGE:
        heads = st.just(b"") | st.sampled_from([seed.text.partition(b"\n\n")[0] + b"\n\n" for seed in source.seeds])
        anything, json_value = (st.builds(bytes.__add__, heads, body) for body in (anything, json_value))
    damaged = st.builds(
        lambda seed, changes, more, as_block: source.edited_seed(seed, changes, more, as_block=as_block),
        st.sampled_from(source.seeds) | st.sampled_from(source.taken),
        st.lists(edits(source.words), min_size=1, max_size=MOST_EDITS),
        st.just([]) | st.just([]) | st.lists(text_edits(), max_size=2),
        st.booleans(),
    )
    return anything | json_value | damaged | damaged | damaged
