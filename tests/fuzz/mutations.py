"""Release specs, damaged a little: each is refused clearly, or rendered to what reads as the same spec."""

from random import Random

from shared.domain.errors import InvalidError
from shared.wire.json_source import read_json
from shared.wire.spec import parse_spec
from shared.wire.yaml_source import read_yaml
from tests.fuzz.inputs import source_of
from tests.fuzz.oracle import Finding, examine
from tests.fuzz.parsers import BY_NAME

SPEC = BY_NAME["spec"]
NAME = "spec-mutations"


def mutation(seed: int, number: int) -> bytes:
    """Return the mutation of this number: the same one each time."""
    return source_of(SPEC).damaged(Random(f"{seed}:{number}"))


def examine_spec(data: bytes) -> tuple[Finding | None, bool]:
    """As `examine`; and a document that can be read is refused by naming its fields."""
    finding, taken = examine(SPEC, data)
    if finding is None and not taken and _is_object(data) and not _names_a_field(data):
        finding = Finding(NAME, data, "a refusal names no field", "")
    return finding, taken


def _is_object(data: bytes) -> bool:
    for read in (read_json, lambda body: read_yaml(body).value):
        try:
            return isinstance(read(data), dict)
        except InvalidError:
            continue
    return False


def _names_a_field(data: bytes) -> bool:
    try:
        parse_spec(data)
    except InvalidError as error:
        return all(problem.path and problem.message for problem in error.problems)
    return True
