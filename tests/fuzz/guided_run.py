"""Starts the coverage-guided process for one parser, and reads what it reports."""

import base64
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from tests.fuzz.inputs import source_of
from tests.fuzz.oracle import ROOT, Finding
from tests.fuzz.parser import Parser

FOLDER = ROOT / ".cache" / "fuzz"
_UNITS = re.compile(r"stat::number_of_executed_units:\s+(\d+)")
_COVERAGE = re.compile(r"cov: (\d+) ft: (\d+) corp: (\d+)")


@dataclass(slots=True)
class GuidedTally:
    """What came of one parser."""

    examples: int = 0
    coverage: int = 0
    """Edges of the project's code that were reached."""
    corpus: int = 0
    """Inputs that each reached something new."""
    trouble: str = ""
    """Why it ended before its time, if it did."""
    findings: dict[str, Finding] = field(default_factory=dict)


def is_there() -> bool:
    """Whether atheris is installed: it has no wheel for some platforms."""
    return importlib.util.find_spec("atheris") is not None


def run_guided(parser: Parser, seconds: float, seed: int) -> GuidedTally:
    """Fuzz for so long, beginning with the seeds and with what earlier runs have found interesting."""
    folder = FOLDER / "guided" / parser.name
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    reports = folder / "reports.jsonl"
    reports.unlink(missing_ok=True)
    source = source_of(parser)
    for each in source.seeds:
        (folder / "corpus" / sha256(each.text).hexdigest()[:16]).write_bytes(each.text)
    (folder / "words.dict").write_text("".join(f'"{_escaped(word)}"\n' for word in _words(source.words)))
    began, log = time.monotonic(), folder / "log"
    with log.open("wb") as output:
        command = [
            sys.executable,
            "-m",
            "tests.fuzz.guided",
            parser.name,
            "--folder",
            str(folder),
            "--seconds",
            str(max(int(seconds), 1)),
            "--seed",
            str(seed),
        ]
        # It ends without tidying up, so what it leaves in its temporary folder goes with that.
        with tempfile.TemporaryDirectory(prefix="slipway-guided-") as temporary:
            settings = {**os.environ, "TMPDIR": temporary}
            done = subprocess.run(command, cwd=ROOT, env=settings, stdout=output, stderr=output, check=False)
    return _tally(parser, log, reports, done.returncode, time.monotonic() - began)


def _tally(parser: Parser, log: Path, reports: Path, code: int, seconds: float) -> GuidedTally:
    told = log.read_text(errors="replace")
    tally = GuidedTally()
    if units := _UNITS.search(told):
        tally.examples = int(units[1])
    if coverage := _COVERAGE.findall(told):
        tally.coverage, _, tally.corpus = map(int, coverage[-1])
    if code != 0 or not tally.examples:
        tally.trouble = f"ended with {code} after {seconds:.0f} s, see {log.relative_to(ROOT)}"
    for line in reports.read_text().splitlines() if reports.exists() else ():
        read = json.loads(line)
        tally.findings[read["kind"]] = Finding(
            parser.name, base64.b64decode(read["data"]), read["kind"], read["detail"]
        )
    return tally


def _words(words: tuple[object, ...]) -> list[bytes]:
    return [word.encode("utf-8", "surrogatepass") for word in words if isinstance(word, str) and 0 < len(word) < 60]


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)
