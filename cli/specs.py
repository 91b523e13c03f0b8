"""The release specs in a file: one, or several as documents of one stream, as `kubectl` takes them."""

import re
from typing import Final

from cli.reading import read_file
from shared.domain.errors import InvalidError, Problem
from shared.domain.rollout.spec import Spec
from shared.wire.resources import normal_resource
from shared.wire.spec import parse_spec

_MARK: Final = re.compile(rb"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)


def read_specs(name: str) -> tuple[Spec, ...]:
    """Return the specs of a file in their order. Raises `UnreadableError`, and `InvalidError` with every problem."""
    specs: list[Spec] = []
    problems: list[Problem] = []
    for body in documents_in(read_file(name)):
        try:
            specs.append(parse_spec(body))
        except InvalidError as error:
            problems += error.problems
    problems += _clashes(specs)
    if problems:
        raise InvalidError(*problems)
    return tuple(specs)


def documents_in(body: bytes) -> tuple[bytes, ...]:
    """Return the documents of a stream that hold anything, each with its lines numbered as in the stream."""
    ends = [0, *(mark.end() for mark in _MARK.finditer(body))]
    begins = [*(mark.start() for mark in _MARK.finditer(body)), len(body)]
    pieces = [(since, body[since:until]) for since, until in zip(ends, begins, strict=True)]
    full = [(since, piece) for since, piece in pieces if _says_anything(piece)]
    if len(full) <= 1:
        return (body,)
    return tuple(b"\n" * body.count(b"\n", 0, since) + piece for since, piece in full)


def _says_anything(piece: bytes) -> bool:
    """Whether there is more than comments and directives."""
    lines = (line.strip() for line in piece.splitlines())
    return any(line and not line.startswith((b"#", b"%")) for line in lines)


def _clashes(specs: list[Spec]) -> list[Problem]:
    """Return what documents of one file have in common that only one of them may have."""
    problems = []
    owners: dict[str, str] = {}
    seen: set[str] = set()
    for spec in specs:
        if spec.application in seen:
            problems.append(Problem("application", f"{spec.application} stands in two documents; allowed is one"))
        seen.add(spec.application)
        for index, target in enumerate(spec.targets):
            owner = owners.setdefault(normal_resource(target.resource), spec.application)
            if owner != spec.application:
                path = f"{spec.application}: targets[{index}].resource"
                problems.append(Problem(path, f"the application {owner} has the same resource; allowed is one of them"))
    return problems
