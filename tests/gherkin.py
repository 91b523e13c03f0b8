"""Reads feature files, as far as the public suites of flags use Gherkin: outlines, tables, tags and backgrounds."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_HEAD = re.compile(r"(Feature|Background|Scenario Outline|Scenario|Examples)\s*:\s*(.*)")
_STEP = re.compile(r"(?:Given|When|Then|And|But|\*)\s+(.*)")


@dataclass(frozen=True)
class Step:
    """One line that says what is given, done or expected, with its table."""

    text: str
    table: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True)
class Scenario:
    """A scenario as it is run: of an outline one for each row of its examples, and with the background's steps."""

    name: str
    tags: frozenset[str]
    steps: tuple[Step, ...]


@dataclass
class _Block:
    head: str
    name: str
    tags: frozenset[str]
    steps: list[tuple[str, list[list[str]]]] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    """Of examples."""


def scenarios_of(path: Path) -> list[Scenario]:
    """Return all scenarios of a file."""
    blocks = list(_blocks(path.read_text(encoding="utf-8").splitlines()))
    background = [step for block in blocks if block.head == "Background" for step in block.steps]
    of_all = next((block.tags for block in blocks if block.head == "Feature"), frozenset())
    return [
        Scenario(f"{path.stem}: {name}", of_all | tags, tuple(_filled([*background, *outline.steps], values)))
        for outline, name, tags, values in _runs(blocks)
    ]


def _runs(blocks: Sequence[_Block]) -> Iterator[tuple[_Block, str, frozenset[str], dict[str, str]]]:
    outline: _Block | None = None
    for block in blocks:
        if block.head == "Scenario":
            yield block, block.name, block.tags, {}
        elif block.head == "Scenario Outline":
            outline = block
        elif block.head == "Examples" and outline is not None:
            names, *rows = block.rows
            for number, row in enumerate(rows, 1):
                name = f"{outline.name} [{block.name or 'examples'} {number}]"
                yield outline, name, outline.tags | block.tags, dict(zip(names, row, strict=True))


def _blocks(lines: Sequence[str]) -> Iterator[_Block]:
    tags: list[str] = []
    block: _Block | None = None
    for line in map(str.strip, lines):
        if not line or line.startswith("#"):
            continue
        head, step = _HEAD.match(line), _STEP.match(line)
        if line.startswith("@"):
            tags += line.split()
        elif head:
            if block is not None:
                yield block
            block, tags = _Block(head[1], head[2], frozenset(tags)), []
        elif block is not None and line.startswith("|"):
            (block.rows if block.head == "Examples" else block.steps[-1][1]).append(_cells(line))
        elif block is not None and step and block.head != "Feature":
            block.steps.append((step[1], []))
    if block is not None:
        yield block


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def _filled(steps: Sequence[tuple[str, list[list[str]]]], values: dict[str, str]) -> Iterator[Step]:
    for text, table in steps:
        names, *rows = [[_put(cell, values) for cell in row] for row in table] or [[]]
        yield Step(_put(text, values), tuple(dict(zip(names, row, strict=True)) for row in rows))


def _put(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(f"<{name}>", value)
    return text
