"""The published JSON Schema of a release spec, and what it says about a document, in words for people."""

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path as FilePath
from typing import Any, Final

from shared.wire.findings import MAX_ENTRIES, Findings, closest, found
from shared.wire.source import Path

SCHEMA_FILE: Final = FilePath(__file__).parent / "schemas" / "release-spec.schema.json"

_CONTAINERS: Final = {"object": "an object", "array": "a list"}


@cache
def release_spec_schema() -> dict[str, Any]:
    """Return the schema (draft 2020-12) as editors get it. Shared: do not change it."""
    schema: dict[str, Any] = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    return schema


def note_shape(document: Any, findings: Findings) -> None:
    """Note what the schema refuses in a document."""
    for error in _validator().iter_errors(document):
        for path, message in _words(error):
            findings.add(path, message)


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator, validators

    extend: Any = validators.extend
    strict = extend(Draft202012Validator, {"pattern": _pattern, "uniqueItems": _unique})
    return strict(release_spec_schema())


def _pattern(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[Any]:
    """As ECMA 262 has it: in Python a `$` would also match before a last line break."""
    from jsonschema import ValidationError

    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _unique(validator: Any, unique: Any, instance: Any, schema: Any) -> Iterator[Any]:
    """As ever, but only for lists of a length that may be: comparing each with each takes minutes otherwise."""
    from jsonschema import Draft202012Validator

    if isinstance(instance, list) and len(instance) <= MAX_ENTRIES:
        yield from Draft202012Validator.VALIDATORS["uniqueItems"](validator, unique, instance, schema) or ()


def _words(error: Any) -> Iterator[tuple[Path, str]]:
    path: Path = tuple(error.absolute_path)
    special = _SPECIAL.get(error.validator)
    if special is not None:
        yield from special(path, error)
    elif error.validator == "type" and str(error.validator_value) in _CONTAINERS:
        yield path, f"{found(path, error.instance)}allowed is {_CONTAINERS[str(error.validator_value)]}"
    else:
        yield path, f"{found(path, error.instance)}allowed is {_allowed(error)}"


def _allowed(error: Any) -> str:
    return str(error.schema.get("description") or f"{error.validator} {json.dumps(error.validator_value)}")


def _missing(path: Path, error: Any) -> Iterator[tuple[Path, str]]:
    for name in error.validator_value:
        if name not in error.instance:
            yield (*path, name), error.schema.get("$comment", "is missing")


def _unknown(path: Path, error: Any) -> Iterator[tuple[Path, str]]:
    known = error.schema["properties"]
    for name in error.instance:
        if name not in known:
            near = closest(name, known) or f"; allowed are {', '.join(k for k in known if not k.startswith('$'))}"
            yield (*path, name), f"is not a field of a release spec{near}"


def _not_listed(path: Path, error: Any) -> Iterator[tuple[Path, str]]:
    listed = error.validator_value
    near = closest(error.instance, listed) if isinstance(error.instance, str) else ""
    yield path, f"{found(path, error.instance)}allowed is {' or '.join(listed)}{near}"


def _too_few(path: Path, error: Any) -> Iterator[tuple[Path, str]]:
    yield path, f"has {len(error.instance)} entries; allowed are at least {error.validator_value}"


def _too_many(path: Path, error: Any) -> Iterator[tuple[Path, str]]:
    yield path, f"has {len(error.instance)} entries; allowed are at most {error.validator_value}"


def _repeated(path: Path, error: Any) -> Iterator[tuple[Path, str]]:
    yield path, f"{found(path, error.instance)}allowed is each entry once"


def _combination(path: Path, error: Any) -> Iterator[tuple[Path, str]]:
    if error.validator == "not" and "required" in error.validator_value and not isinstance(error.instance, dict):
        return  # which members it may not have together is beside the point: it is told already that it has none
    stands = "" if isinstance(error.instance, dict) else found(path, error.instance)
    yield path, f"{stands}allowed is {error.schema['description']}"


_SPECIAL: Final[dict[str, Callable[[Path, Any], Iterator[tuple[Path, str]]]]] = {
    "required": _missing,
    "additionalProperties": _unknown,
    "enum": _not_listed,
    "minItems": _too_few,
    "maxItems": _too_many,
    "uniqueItems": _repeated,
    "anyOf": _combination,
    "not": _combination,
}
