"""What a command says: results on the standard output, everything else on the other one."""

import json
import sys
from typing import Any


def tell(text: str) -> None:
    """Write a line of the result."""
    sys.stdout.write(f"{text}\n")


def remark(text: str) -> None:
    """Write a line beside the result."""
    sys.stderr.write(f"{text}\n")


def in_one(documents: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """Return the document of one spec as it is; those of several under a name."""
    return documents[0] if len(documents) == 1 else {"ok": True, name: documents}


def tell_json(document: Any) -> None:
    """Write the whole result as JSON."""
    tell(json.dumps(document, indent=2, ensure_ascii=False))
