"""What the import rules cannot say: the core is pure."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PURE = {
    "bisect",
    "collections",
    "collections.abc",
    "contextlib",
    "dataclasses",
    "datetime",
    "enum",
    "functools",
    "hashlib",
    "ipaddress",
    "itertools",
    "math",
    "re",
    "struct",
    "typing",
    "weakref",
}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "shared" / "domain").rglob("*.py")), ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_the_core_imports_only_itself_and_pure_parts_of_the_standard_library(path):
    foreign = {name for name in _imports(path) if not name.startswith("shared.domain") and name not in PURE}
    assert foreign == set()


@pytest.mark.parametrize(
    "path", sorted((ROOT / "shared" / "domain").rglob("*.py")), ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_the_core_never_asks_for_the_time(path):
    asked = [node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)]
    assert not {"utcnow", "today"} & set(asked)
    assert "datetime.now" not in path.read_text()


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found
