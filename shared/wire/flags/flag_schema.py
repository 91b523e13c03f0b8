"""The published JSON Schemas of a flag and of a segment, for editors. The parsers do not need them, and say more."""

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

_SCHEMAS: Final = Path(__file__).parents[1] / "schemas"
FLAG_SCHEMA_FILE: Final = _SCHEMAS / "flag.schema.json"
SEGMENT_SCHEMA_FILE: Final = _SCHEMAS / "segment.schema.json"


@cache
def flag_schema() -> dict[str, Any]:
    """Return the schema (draft 2020-12) of a flag. Shared: do not change it."""
    return _schema(FLAG_SCHEMA_FILE)


@cache
def segment_schema() -> dict[str, Any]:
    """Return the schema (draft 2020-12) of a segment. Shared: do not change it."""
    return _schema(SEGMENT_SCHEMA_FILE)


def _schema(file: Path) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return schema
