"""The table of parsers is whole: whatever reads what comes from outside is in it, and its seeds reach it."""

import ast
import re
import sys
import threading
from pathlib import Path
from types import CodeType, FrameType

import pytest

from tests.fuzz.oracle import ROOT, examine
from tests.fuzz.parsers import BY_NAME, PARSERS

READ = ("shared/wire", "shared/adapters", "shared/calls", "cli")
"""Rooms in which each module reads something, or is said to read nothing."""
LAPTOP = ("local/cloud", "local/hosting")
"""Rooms in which some functions read."""
READS = re.compile(r"(parse|read|import|open)_\w+|\w+_in|decoded|resolve|unpack|unescape_key")
"""How functions are named that read."""
WRITES = "writes answers"
SENDS = "only sends"
QUEUE = "the queue's own rows: a damaged file of it is moved away, and the store knows what waited"
OWN = "reads a file or a table of this project's own"
KEPT = "the sandbox's own files, which are made anew"
NO_PARSERS = {
    "shared/wire/api_document": OWN,
    "shared/wire/experiment_view": WRITES,
    "shared/wire/pins": WRITES,
    "shared/wire/plan_view": WRITES,
    "shared/wire/plan_words": WRITES,
    "shared/wire/hook_calls": "writes what hooks are called with",
    "shared/wire/notifications": "writes what people are told",
    "shared/wire/named_settings": "looks at a spec that was read",
    "shared/wire/flags/flag_schema": OWN,
    "shared/wire/peers/argo_fields": "names fields",
    "shared/wire/peers/flagger_fields": "names fields",
    "shared/adapters/azure_tables/operation": "says what is to be written",
    "shared/adapters/azure_tables/patience": "reckons how long to wait",
    "shared/adapters/flags/places": "moves flags of this Slipway's own",
    "shared/adapters/flags/splits": "moves flags of this Slipway's own",
    "shared/adapters/flags/traffic_router": "moves flags of this Slipway's own",
    "shared/adapters/gateway_api/audience": "asks by what is reached: route_calls",
    "shared/adapters/gateway_api/located": "reads what a rollout found",
    "shared/adapters/gateway_api/traffic_router": "asks by what is reached: route_calls",
    "shared/adapters/prometheus/expected": "guesses at what may come of a question",
    "shared/adapters/service_bus/alert_queue": SENDS,
    "shared/adapters/service_bus/bounded_call": SENDS,
    "shared/adapters/service_bus/command_queue": SENDS,
    "shared/adapters/service_bus/errors": SENDS,
    "shared/adapters/service_bus/sending": SENDS,
    "shared/adapters/sqlite/alert_queue": SENDS,
    "shared/adapters/sqlite/broker": QUEUE,
    "shared/adapters/sqlite/broker_file": QUEUE,
    "shared/adapters/sqlite/broker_tables": QUEUE,
    "shared/adapters/sqlite/command_queue": SENDS,
    "shared/adapters/sqlite/deliveries": QUEUE,
    "shared/adapters/sqlite/layout": "looks at one number as a file is opened",
    "shared/adapters/sqlite/line": "lets threads take turns",
    "shared/adapters/sqlite/private_file": "makes a file without anything in it",
    "shared/adapters/sqlite/trouble": "tells what SQLite's errors mean",
    "shared/adapters/system/clock": "reads the clock",
    "shared/adapters/system/credential": "holds a token",
    "shared/adapters/traffic_manager/weights": "reckons weights",
    "cli/copying": "copies what is read elsewhere",
    "cli/reading": "reads bytes",
    "cli/refusing": WRITES,
    **{
        f"shared/adapters/memory/{name}": "a twin in memory"
        for name in (
            "dead_letters",
            "flag_distribution",
            "hook_caller",
            "notifier",
            "open_markers",
            "rollout_store",
            "simulated_site",
            "site",
            "timeline",
            "trouble",
            "view_index",
        )
    },
}
"""Modules of which no seed reaches anything, and why none has to."""
ELSEWHERE = {
    "shared/wire/flag_transfer.import_view": WRITES,
    "shared/wire/peers/accounts.parse_known_path": OWN,
    "cli/reading.read_file": "reads bytes",
    "cli/specs.read_specs": "reads a file by what is reached: documents_in",
    "local/cloud/app_state.parse_app": KEPT,
    "local/cloud/site_settings.read_target": "reads a name out of what a body says",
    "local/cloud/state.parse_site": KEPT,
    "local/cloud/traffic_manager/state.parse_profile": KEPT,
}
"""Functions that are named as if they read what comes from outside."""


def public_functions(*rooms: str) -> dict[str, set[str]]:
    """Every module of these rooms with its public functions."""
    return {
        path.relative_to(ROOT).with_suffix("").as_posix(): {
            node.name
            for node in ast.parse(path.read_text()).body
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
        }
        for room in rooms
        for path in sorted((ROOT / room).rglob("*.py"))
        if path.name not in ("__init__.py", "__main__.py")
    }


def modules_with_code(*rooms: str) -> set[str]:
    """Every module of these rooms that has a function or a method."""
    return {
        path.relative_to(ROOT).with_suffix("").as_posix()
        for room in rooms
        for path in sorted((ROOT / room).rglob("*.py"))
        if path.name not in ("__init__.py", "__main__.py")
        and any(isinstance(node, ast.FunctionDef) for node in ast.walk(ast.parse(path.read_text())))
    }


@pytest.fixture(scope="module")
def reached() -> set[tuple[str, str]]:
    """Module and name of every function of this project that the seeds run, also in threads."""
    codes: set[CodeType] = set()

    def seen(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            codes.add(frame.f_code)

    inputs = [(parser, seed) for parser in PARSERS for seed in parser.seeds()]
    for parser in PARSERS:
        examine(parser, parser.seeds()[0])  # imports what it needs, faster than when it is watched
    threading.setprofile(seen)
    sys.setprofile(seen)
    try:
        for parser, seed in inputs:
            examine(parser, seed)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]
    return {
        (Path(code.co_filename).relative_to(ROOT).with_suffix("").as_posix(), code.co_name)
        for code in codes
        if code.co_filename.startswith(tuple(f"{ROOT / room}/" for room in (*READ, *LAPTOP)))
    }


def test_every_function_that_reads_what_comes_from_outside_is_reached_by_a_parsers_seeds(reached):
    reading = {
        (module, name)
        for module, names in public_functions(*READ, *LAPTOP).items()
        for name in names
        if READS.fullmatch(name) and module not in NO_PARSERS
    }

    assert sorted(f"{module}.{name}" for module, name in reading - reached if f"{module}.{name}" not in ELSEWHERE) == []


def test_every_module_is_reached_by_a_parsers_seeds_or_said_to_read_nothing(reached):
    silent = modules_with_code(*READ) - {module for module, _ in reached}

    assert sorted(silent - {*NO_PARSERS}) == []


def test_what_is_said_to_be_no_parser_is_there_and_no_seed_reaches_it(reached):
    functions = public_functions(*READ, *LAPTOP)
    assert {*NO_PARSERS} <= {*functions}
    assert {*ELSEWHERE} <= {f"{module}.{name}" for module, names in functions.items() for name in names}
    assert not {f"{module}.{name}" for module, name in reached} & {*ELSEWHERE}
    assert not {module for module, _ in reached} & {*NO_PARSERS}


def test_every_parser_has_a_name_of_its_own():
    assert len(BY_NAME) == len(PARSERS)
