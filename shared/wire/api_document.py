"""This API as an OpenAPI document: `schemas/openapi.json`, with the schema of release specs written into it."""

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from shared.wire.spec_schema import SCHEMA_FILE, release_spec_schema

DOCUMENT_FILE: Final = Path(__file__).parent / "schemas" / "openapi.json"

_OWN_ADDRESS: Final = ("$schema", "$id")
_DEFINITIONS: Final = "#/$defs/"
_HERE: Final = "#/components/schemas/ReleaseSpec/$defs/"


@cache
def api_document() -> dict[str, Any]:
    """Return the document as it is served, which refers to nothing outside itself. Shared: do not change it."""
    document: dict[str, Any] = json.loads(DOCUMENT_FILE.read_text(encoding="utf-8"))
    schemas = document["components"]["schemas"]
    assert schemas["ReleaseSpec"] == {"$ref": SCHEMA_FILE.name}
    spec = {name: value for name, value in release_spec_schema().items() if name not in _OWN_ADDRESS}
    schemas["ReleaseSpec"] = _moved(spec)
    return document


def _moved(schema: Any) -> Any:
    """Return the schema with its references as they are from within the document."""
    match schema:
        case dict():
            return {
                name: _moved_reference(value) if name == "$ref" else _moved(value) for name, value in schema.items()
            }
        case list():
            return [_moved(each) for each in schema]
        case _:
            return schema


def _moved_reference(reference: Any) -> Any:
    return reference.replace(_DEFINITIONS, _HERE) if isinstance(reference, str) else reference
