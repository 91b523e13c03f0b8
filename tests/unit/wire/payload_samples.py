"""Real payloads, where they lie beside the project; tests that need them skip where they do not."""

import os
from pathlib import Path

FOLDER = Path(os.environ.get("SLIPWAY_PAYLOADS") or Path(__file__).parents[4] / "shared" / "payloads")


def samples(pattern: str) -> list[Path]:
    return sorted(FOLDER.glob(pattern))
