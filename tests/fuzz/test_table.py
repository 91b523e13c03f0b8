"""The table of parsers is whole: whatever reads what comes from outside is in it, and its seeds reach it."""

import ast
import re
import sys
from pathlib import Path
from types import CodeType, FrameType

import pytest

from tests.fuzz.oracle import ROOT, examine
from tests.fuzz.parsers import BY_NAME, PARSERS

WIRE = ROOT / "shared" / "wire"
READS = re.compile(r"(parse|read|import|open)_\w+|\w+_in|decoded|resolve|unpack|unescape_key")
"""How functions are named that read."""
WRITE = "writes answers"
NO_PARSERS = {
    "api_document": "reads a file of this project",
    "experiment_view": WRITE,
    "pins": WRITE,
    "plan_view": WRITE,
    "plan_words": WRITE,
    "hook_calls": "writes what hooks are called with",
    "notifications": "writes what people are told",
    "named_settings": "looks at a spec that was read",
    "flags/flag_schema": "reads a file of this project",
}
"""Modules of which no seed reaches anything, and why none has to."""
ELSEWHERE = {
    "flag_transfer.import_view": WRITE,
    "peers/accounts.parse_known_path": "reads a table in this project's own code",
}
"""Functions that are named as if they read what comes from outside."""


def public_functions() -> dict[str, set[str]]:
    """Every module of `shared/wire` with its public functions."""
    return {
        path.relative_to(WIRE).with_suffix("").as_posix(): {
            node.name
            for node in ast.parse(path.read_text()).body
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
        }
        for path in sorted(WIRE.rglob("*.py"))
        if path.name != "__init__.py"
    }


@pytest.fixture(scope="module")
def reached() -> set[tuple[str, str]]:
    """Module and name of every function of `shared/wire` that the seeds run."""
    codes: set[CodeType] = set()

    def seen(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            codes.add(frame.f_code)

    inputs = [(parser, seed) for parser in PARSERS for seed in parser.seeds()]
    sys.setprofile(seen)
    try:
        for parser, seed in inputs:
            examine(parser, seed)
    finally:
        sys.setprofile(None)
    return {
        (Path(code.co_filename).relative_to(WIRE).with_suffix("").as_posix(), code.co_name)
        for code in codes
        if code.co_filename.startswith(str(WIRE))
    }


def test_every_function_that_reads_what_comes_from_outside_is_reached_by_a_parsers_seeds(reached):
    reading = {
        (module, name) for module, names in public_functions().items() for name in names if READS.fullmatch(name)
    }

    assert sorted(f"{module}.{name}" for module, name in reading - reached if f"{module}.{name}" not in ELSEWHERE) == []


def test_every_module_is_reached_by_a_parsers_seeds_or_said_to_read_nothing(reached):
    modules = {module for module, _ in reached}
    silent = {module for module, functions in public_functions().items() if functions} - modules

    assert sorted(silent - {*NO_PARSERS}) == []


def test_what_is_said_to_be_no_parser_is_there_and_no_seed_reaches_it(reached):
    assert {*NO_PARSERS} <= {*public_functions()}
    assert {*ELSEWHERE} <= {f"{module}.{name}" for module, names in public_functions().items() for name in names}
    assert not {f"{module}.{name}" for module, name in reached} & {*ELSEWHERE}
    assert not {module for module, _ in reached} & {*NO_PARSERS}


def test_every_parser_has_a_name_of_its_own():
    assert len(BY_NAME) == len(PARSERS)
