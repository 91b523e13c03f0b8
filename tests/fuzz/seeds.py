"""Inputs to begin with: the documentation's examples, the tests' documents, golden files, and real payloads.

Real payloads lie beside the project where they are there at all; nothing here needs them.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from shared.wire.api_document import api_document
from tests.unit.wire.payload_samples import FOLDER as PAYLOADS

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"
LARGEST = 64 * 1024
"""Longer seeds are left out: nearly every edit would hit what does not matter."""
_FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)

Seeds = Callable[[], Sequence[bytes]]


def given(*documents: Any) -> Seeds:
    """Seeds as they stand: bytes, texts, or what becomes JSON."""
    return lambda: tuple(_bytes(each) for each in documents)


def _bytes(document: Any) -> bytes:
    if isinstance(document, bytes):
        return document
    return document.encode() if isinstance(document, str) else json.dumps(document).encode()


def together(*some: Seeds) -> Seeds:
    """All of these seeds."""
    return lambda: tuple(seed for seeds in some for seed in seeds())


def examples(*paths: str) -> Seeds:
    """The examples of request bodies that the OpenAPI document has for these addresses."""
    return lambda: tuple(seed for path in paths for seed in _examples(path))


@cache
def _examples(path: str) -> tuple[bytes, ...]:
    bodies = (operation.get("requestBody", {}) for operation in api_document()["paths"][path].values())
    contents = (content for body in bodies for content in body.get("content", {}).values())
    return tuple(_bytes(each["value"]) for content in contents for each in content.get("examples", {}).values())


def fenced(*guides: str, language: str = "yaml", within: str = "") -> Seeds:
    """Blocks of one language in guides, those that hold a text."""
    return lambda: tuple(
        block["text"].encode()
        for guide in guides
        for block in _FENCE.finditer((ROOT / "docs" / "guides" / f"{guide}.md").read_text(encoding="utf-8"))
        if block["language"] == language and within in block["text"]
    )


def files(*names: str) -> Seeds:
    """Files of the project."""
    return lambda: tuple((ROOT / name).read_bytes() for name in names)


def golden(member: str, folder: str = ".") -> Seeds:
    """The stored documents of one kind in all golden files of a folder, each once a type of event."""
    return lambda: tuple(_golden(member, folder))


def _golden(member: str, folder: str) -> Iterator[bytes]:
    seen: set[tuple[str, ...]] = set()
    for path in sorted((GOLDEN / folder).glob("schema-*/*.json")):
        found = json.loads(path.read_text(encoding="utf-8")).get(member, [])
        for document in found if isinstance(found, list) else [found]:
            value = document.get("value", document)
            shape = (str(value.get("type")), *sorted(value)) if isinstance(value, dict) else ()
            text = _bytes(document)
            if len(text) <= LARGEST and (shape not in seen or member not in ("events", "flag-events")):
                seen.add(shape)
                yield text


def payloads(pattern: str, most: int = 12) -> Seeds:
    """Real payloads, the shortest ones; none where they are not beside the project."""

    def found() -> Sequence[bytes]:
        there = sorted(PAYLOADS.glob(pattern), key=lambda path: (path.stat().st_size, path.name))
        return tuple(path.read_bytes() for path in there if path.stat().st_size <= LARGEST)[:most]

    return found


def suites(pattern: str) -> Seeds:
    """Documents of the suites of other flag systems, where they are beside the project."""
    folder = PAYLOADS.parent / "flag-suites"
    return lambda: tuple(path.read_bytes() for path in sorted(folder.glob(pattern)) if path.stat().st_size <= LARGEST)[
        :20
    ]


def headed(headers: dict[str, str], seeds: Seeds) -> Seeds:
    """The seeds as bodies below these headers."""
    from tests.fuzz.parser import message

    return lambda: tuple(message(headers, seed) for seed in seeds())
