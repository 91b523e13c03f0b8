"""Where inputs that show a mistake are kept: the smallest of each kind, made smaller still."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.edits import Edit, edited, places_in
from tests.fuzz.inputs import Seed, rendered, seed_of
from tests.fuzz.oracle import ROOT, Finding, examine
from tests.fuzz.parser import Parser

FOUND = Path(__file__).parent / "found"
"""Inputs that showed a mistake once, by parser: a test tries each of them for ever."""
_SECONDS_TO_REDUCE = 10.0

Shows = Callable[[bytes], Finding | None]
"""Returns the finding once more where other bytes show it too."""


@dataclass(frozen=True, slots=True)
class Keeper:
    """A folder of findings: `<parser>/<kind>.input`, and the error beside it."""

    folder: Path = ROOT / ".cache" / "fuzz" / "findings"

    def keep(self, finding: Finding) -> Path:
        """Write a finding, unless a smaller one of its kind is there."""
        path = self.folder / finding.parser / f"{_slug(finding.kind)}.input"
        if path.exists() and path.stat().st_size <= len(finding.data):
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(finding.data)
        path.with_suffix(".json").write_text(
            json.dumps({"parser": finding.parser, "kind": finding.kind, "detail": finding.detail}, indent=2)
        )
        return path


def smallest(parser: Parser, finding: Finding, seconds: float = _SECONDS_TO_REDUCE) -> Finding:
    """Return the finding with as little of its input as shows the same."""

    def shows(data: bytes) -> Finding | None:
        again, _ = examine(parser, data)
        return again if again is not None and again.kind == finding.kind else None

    return reduced(_with_less_in_it(parser, finding, shows, seconds / 2), shows, seconds / 2)


def _with_less_in_it(parser: Parser, finding: Finding, shows: Shows, seconds: float) -> Finding:
    """Take entries out of a document, which single bytes seldom make up."""
    ends, best = time.monotonic() + seconds, finding
    seed = seed_of(best.data, parser.form)
    at = 1
    while seed.has_document and time.monotonic() < ends:
        document = edited(seed.document, [Edit("drop", at)], {})
        if document == seed.document or at >= places_in(seed.document):
            break
        found = shows(rendered(document, parser.form))
        if found is None:
            at += 1
        else:
            best, seed = found, Seed(found.data, document)
    return best


def reduced(finding: Finding, shows: Shows, seconds: float) -> Finding:
    """Take pieces out, the longest first, for as long as what is left still shows it."""
    ends = time.monotonic() + seconds
    best, size = finding, max(len(finding.data) // 2, 1)
    while size and time.monotonic() < ends:
        start, was = 0, len(best.data)
        while start < len(best.data) and time.monotonic() < ends:
            found = shows(best.data[:start] + best.data[start + size :])
            if found is None:
                start += size
            else:
                best = found
        if len(best.data) == was:
            size //= 2
    return best


def _slug(kind: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", kind).strip("-").lower()[:100]
