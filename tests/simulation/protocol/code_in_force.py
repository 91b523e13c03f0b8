"""A name for all that the outcome of a schedule depends on: what was kept under another name is not read."""

import hashlib
import sys
from collections.abc import Iterator
from importlib.metadata import version
from modulefinder import ModuleFinder
from pathlib import Path

ROOT = Path(__file__).parents[3]
TOLD_APART = ("attrs", "cattrs", "greenlet", "typing_extensions")
"""What runs in a schedule and is not ours."""
CAMPAIGN = "tests.simulation.protocol.campaign"


def code_in_force(root: Path = ROOT) -> str:
    """Return the name for the project in this folder, this Python, and the packages that take part."""
    digest = hashlib.sha256()
    for told in (sys.implementation.cache_tag, sys.version.split()[0], *map(version, TOLD_APART)):
        digest.update(f"{told}\0".encode())
    for path in files(root):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def files(root: Path) -> list[Path]:
    """Return every file of the application, whatever it holds, and the tests' modules that a schedule runs through."""
    return sorted({*_of_the_application(root / "shared"), *_of_the_tests(root)})


def _of_the_application(shared: Path) -> Iterator[Path]:
    for path in shared.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path


def _of_the_tests(root: Path) -> Iterator[Path]:
    """Yield what a campaign imports, also where a function does it."""
    finder = ModuleFinder(path=[str(root)], excludes=["shared"])
    finder.import_hook(CAMPAIGN)
    for module in finder.modules.values():
        if module.__file__ is not None:
            yield Path(module.__file__)
