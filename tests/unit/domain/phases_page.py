"""Renders `docs/phases.md` from the tables: `python -m tests.unit.domain.phases_page`."""

from pathlib import Path

from tests.unit.domain import phase_tables
from tests.unit.domain.in_short import REFUSALS

PAGE = Path(__file__).parents[3] / "docs" / "phases.md"
COMMAND = "python -m tests.unit.domain.phases_page"

SECTIONS = (
    ("A person's command", "", "OVERRIDES"),
    (
        "The same while the application is frozen",
        "Nothing starts and nothing advances; what takes back does, also as a rollout of its own.",
        "OVERRIDES_WHILE_FROZEN",
    ),
    (
        "No rollout is live, and one waits for the end of a freeze",
        "Beside a live rollout, one that waits changes nothing for the commands above.",
        "OVERRIDES_FOR_ONE_THAT_WAITS",
    ),
    (
        "A deployment",
        "By `whenBusy` of the spec. *Same version* is the one that is live, or was released last.",
        "DEPLOYMENTS",
    ),
    (
        "A deployment while another rollout waits its turn",
        "One rollout waits at most, and the newest wins. Under `supersede` the live one is going back already.",
        "DEPLOYMENTS_BESIDE_ONE_THAT_WAITS",
    ),
    ("An alert", "By `onAlert` of the spec; frozen or not.", "ALERTS"),
    (
        "What an effect answers",
        "For situations with a call to a target open; frozen or not. An answer about an earlier level, or for a row "
        "that is closed, is late and changes nothing; only a swap that was begun is watched whenever it was asked for.",
        "ANSWERS",
    ),
    (
        "A look",
        "Five minutes later, with what is seen then; a day later, when nothing could be read and the deadlines of the "
        "spec say `rollback` or `pause`. *At once*, nothing is due. *Overwritten*: the candidate's place serves "
        "another version.",
        "LOOKS",
    ),
    (
        "A look while the application is frozen",
        "Guards and rollbacks go on; the step clocks stand still.",
        "LOOKS_WHILE_FROZEN",
    ),
)
INTRODUCTION = f"""# Commands and phases

What each command comes to in each situation: the rules of `shared/domain/rollout`, written down as data in
`tests/unit/domain/phase_tables.py` and tested cell by cell. This page is rendered from there with
`{COMMAND}`; a test keeps it up to date.

The rollout of these tables releases version 2 beside version 1: 5 %, a gate, 50 %, promotion by a swap with 5 % of the
users held back on version 1 while it bakes. *By weight*: the same where nothing is swapped. *Hook*: one was called
before anything else and has not ended.
A cell lists what is recorded, in order. `-`: nothing is recorded. `no`: refused, with the reason below;
an empty cell cannot be.
"""


def read_table(text: str) -> tuple[list[str], dict[str, dict[str, str]]]:
    """Return a table's columns, and its rows: situation -> column -> cell."""
    head, *lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    columns = head[1:]
    padded = [line + [""] * (len(head) - len(line)) for line in lines]
    return columns, {line[0]: dict(zip(columns, line[1:], strict=True)) for line in padded}


def render() -> str:
    """Return the whole page."""
    return "\n".join([INTRODUCTION, *(_section(*section) for section in SECTIONS), _legend()])


def _section(title: str, text: str, name: str) -> str:
    columns, rows = read_table(getattr(phase_tables, name))
    head = ["situation", *columns]
    lines = [head, ["---"] * len(head), *([name, *cells.values()] for name, cells in rows.items())]
    body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"## {title}\n\n{text + chr(10) * 2 if text else ''}{body}\n"


def _legend() -> str:
    lines = "\n".join(f"| no: {word} | …{part}… |" for word, part in REFUSALS.items())
    return f"## Reasons\n\n| word | part of the sentence that people read |\n| --- | --- |\n{lines}\n"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
