"""What was kept is read again only where all that an outcome depends on is as it was."""

import shutil
import subprocess
import sys
from importlib.metadata import packages_distributions

import pytest

from tests.simulation.protocol import code_in_force as module
from tests.simulation.protocol.code_in_force import ROOT, TOLD_APART, code_in_force, files

NEEDED = """
import sys
from tests.simulation.protocol.campaign import run_seeds
run_seeds(range(1, 17))
print(*{name.partition(".")[0] for name in sys.modules})
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of all that takes part."""
    root = tmp_path_factory.mktemp("project")
    for path in files(ROOT):
        to = root / path.relative_to(ROOT)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, to)
    return root


def test_the_same_code_has_the_same_name_wherever_it_lies(project):
    assert code_in_force(project) == code_in_force() == code_in_force()


@pytest.mark.parametrize(
    "name",
    [
        "tests/scenario/kills.py",
        "tests/unit/domain/specs.py",
        "tests/simulation/protocol/faulty.py",
        "tests/simulation/protocol/moves.py",
        "shared/domain/rollout/decide.py",
        "shared/wire/schemas/release-spec.schema.json",
    ],
)
def test_a_change_of_what_takes_part_is_other_code(name, project):
    before, path = code_in_force(project), project / name
    content = path.read_bytes()
    path.write_bytes(content + b"\n")
    assert code_in_force(project) != before
    path.write_bytes(content)
    assert code_in_force(project) == before


def test_a_file_more_in_the_application_is_other_code(project):
    before, path = code_in_force(project), project / "shared" / "wire" / "schemas" / "another.json"
    path.write_text("")
    assert code_in_force(project) != before
    path.unlink()


def test_a_change_of_what_takes_no_part_is_the_same_code(project):
    before = code_in_force(project)
    (project / "tests" / "unit" / "domain" / "test_another.py").write_text("")
    (project / "tests" / "simulation" / "protocol" / "found.json").write_text("")
    cached = project / "shared" / "__pycache__"
    cached.mkdir()
    (cached / "bootstrap.pyc").write_bytes(b"")
    assert code_in_force(project) == before


def test_another_python_is_other_code(monkeypatch):
    before = code_in_force()
    monkeypatch.setattr(sys, "version", "3.99.1 (main)")
    assert code_in_force() != before


def test_another_version_of_a_package_is_other_code(monkeypatch):
    before = code_in_force()
    monkeypatch.setattr(module, "version", lambda name: "99")
    assert code_in_force() != before


def test_the_version_of_every_package_that_a_schedule_needs_is_part_of_the_name():
    done = subprocess.run([sys.executable, "-c", NEEDED], cwd=ROOT, capture_output=True, text=True, check=True)
    owners = packages_distributions()
    needed = {owner for name in done.stdout.split() for owner in owners.get(name, ()) if owner != "setuptools"}
    assert "greenlet" in needed
    assert needed <= set(TOLD_APART)
