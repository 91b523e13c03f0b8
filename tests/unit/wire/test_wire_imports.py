"""What importing the wire costs: cold starts are our users' waiting time."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_no_parser_library_is_imported_before_it_is_needed():
    paths = (path.relative_to(ROOT).with_suffix("") for path in (ROOT / "shared" / "wire").rglob("*.py"))
    modules = sorted(".".join(path.parts) for path in paths if path.stem != "__init__")
    code = (
        f"import sys, importlib\nfor name in {modules!r}: importlib.import_module(name)\n"
        "print(*[name for name in ('yaml', 'jsonschema', 'difflib', 'azure') if name in sys.modules])"
    )

    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert loaded.stdout.split() == []
