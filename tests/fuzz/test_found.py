"""What fuzzing has found once stays mended."""

import pytest

from tests.fuzz.findings import FOUND
from tests.fuzz.mutations import NAME, examine_spec
from tests.fuzz.oracle import FindingError, examine
from tests.fuzz.parsers import BY_NAME

INPUTS = sorted(path for path in FOUND.glob("*/*") if path.is_file())


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_an_input_that_showed_a_mistake_shows_none_any_more(path):
    data, parser = path.read_bytes(), path.parent.name

    finding, _ = examine_spec(data) if parser == NAME else examine(BY_NAME[parser], data)

    if finding is not None:
        raise FindingError(finding)


def test_every_folder_of_found_inputs_is_that_of_a_parser():
    assert {path.parent.name for path in INPUTS} <= {*BY_NAME, NAME}
