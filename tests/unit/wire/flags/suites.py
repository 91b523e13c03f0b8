"""Where the public documents and cases of other products lie: beside the repository, or where a variable says."""

import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from referencing import Registry, Resource

from shared.wire.json_source import read_json

FOLDER = Path(os.environ.get("SLIPWAY_FLAG_SUITES") or Path(__file__).parents[5] / "shared" / "flag-suites")
needs_suites = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no flag suites in {FOLDER}")


def suite_files(pattern: str) -> list[Path]:
    return sorted(FOLDER.glob(pattern))


def read_suite(file: Path) -> Any:
    return read_json(file.read_bytes(), at_most=2**22)


@cache
def flagd_schema(name: str = "flagd.json") -> Draft7Validator:
    folder = FOLDER / "flagd-schemas"
    found = {file.name: read_suite(file) for file in folder.glob("*.json")}
    # By its file too: the $id beside a $ref counts for nothing, so that what follows is relative to nowhere.
    named = [(uri, each) for file, each in found.items() for uri in (each["$id"], f"./{file}")]
    registry: Any = Registry().with_resources((uri, Resource.from_contents(each)) for uri, each in named)
    return Draft7Validator(found[name], registry=registry)
