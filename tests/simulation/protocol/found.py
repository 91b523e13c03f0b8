"""Schedules that were kept: each once broke a law, and was made small."""

from pathlib import Path

from tests.simulation.protocol.schedule import Schedule

FOUND = Path(__file__).parent / "found"


def stored(path: str | Path) -> Schedule:
    """Return the schedule in a file. Raises OSError where there is none."""
    return Schedule.from_json(Path(path).read_text())


def found() -> list[Path]:
    """Return the files of all schedules that once found something in the application itself."""
    return sorted(FOUND.glob("*.json"))
