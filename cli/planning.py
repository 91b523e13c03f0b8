"""`slipway plan`: shows what a release by a spec would come to, without asking anybody."""

import argparse
import re
import textwrap
from datetime import UTC, datetime
from typing import Any

from cli.reading import UnreadableError
from cli.refusing import refuse
from cli.specs import read_specs
from cli.telling import in_one, tell, tell_json
from shared.domain.errors import InvalidError, Problem
from shared.domain.rollout.forecast import Forecast, StepForecast, forecast
from shared.domain.rollout.plan import AwaitApproval, Compare, Prepare, Promote, RunHook, Shift
from shared.domain.rollout.weight import NONE, rest
from shared.domain.spans import span_in_words
from shared.wire.plan_questions import parse_planned_time
from shared.wire.plan_view import plan_view
from shared.wire.plan_words import in_all, notes, outcomes, percent, rounding, waits_for, warnings

WIDTH = 100
_HEADS = ("", "step", "weight", "waits for", "earliest", "latest", "if it fails")
_WIDEST = (2, 12, 14, 24, 10, 10, 14)
"""With two spaces between them these make up `WIDTH` at most; a longer text goes on in the next line."""
_UNIT = re.compile(r"(?<=[0-9]) (?=%|d\b|h\b|min\b|s\b)")

_DESCRIPTION = """Show the plan of a release spec before anything runs: each step with its weight at each target (and
what the router makes of it), what it waits for, when it is over at the earliest and at the latest, and what happens if
it fails. Nothing is asked, so what is known at preflight only is said, and release windows of all applications, which
the app's settings hold, are left out: GET /api/applications/{application}/plan knows those.
"""
_EXAMPLES = """examples:
  python -m cli plan slipway.yaml
  python -m cli plan slipway.yaml --at 2026-11-27T16:30:00Z
  python -m cli plan slipway.yaml --json | jq .total

exit codes: 0 shown, 1 refused, 2 the command line was not understood
"""


def add_parser(commands: Any) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "plan",
        help="show the steps and times of a release spec before anything runs",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "file",
        metavar="FILE",
        help="a release spec, YAML or JSON, or several as documents of one YAML file; - for the standard input",
    )
    parser.add_argument("--at", type=_time, metavar="TIME", help="when it begins, RFC 3339; without it: now")
    parser.add_argument("--json", action="store_true", help="write the plan as JSON, as the API shows it")
    parser.set_defaults(run=_run)


def _time(text: str) -> datetime:
    try:
        return parse_planned_time(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _run(options: argparse.Namespace) -> int:
    try:
        specs = read_specs(options.file)
    except UnreadableError as error:
        return refuse(options, (Problem("", str(error)),))
    except InvalidError as error:
        return refuse(options, error.problems)
    at = options.at or datetime.now(UTC).replace(microsecond=0)
    plans = [forecast(spec, at) for spec in specs]
    if options.json:
        tell_json(in_one([{"ok": True, **plan_view(plan)} for plan in plans], "plans"))
    else:
        tell("\n\n".join("\n".join(_told(plan)) for plan in plans))
    return 0


def _told(plan: Forecast) -> list[str]:
    begins = plan.starts.earliest
    start = f"starts {begins:%Y-%m-%d %H:%M:%S} UTC" if begins else "cannot start"
    lines = [*_item(plan.spec.application, f"{start}; {in_all(plan)}"), "", *_table(plan), ""]
    for number, each in enumerate(plan.steps):
        for words in rounding(each):
            lines += _item("rounded", f"step {number}: {words}")
    lines += _held(plan)
    if plan.no_return is not None:
        lines += _item("point of no return", f"after step {plan.no_return} alarms pause, and take nothing back")
    warm = span_in_words(plan.spec.keep_warm)
    lines += _item("kept warm", f"the version before, for {warm} after the end: back in one hop")
    for warning in warnings(plan):
        lines += _item("look", warning)
    for note in notes(plan):
        lines += _item("note", note)
    return lines


def _held(plan: Forecast) -> list[str]:
    lines = _item("held", f"start: {plan.held}") if plan.held else []
    for number, each in enumerate(plan.steps):
        lines += _item("held", f"step {number}: {each.held}") if each.held else []
    return lines


def _item(head: str, text: str) -> list[str]:
    return textwrap.wrap(f"{head}: {text}", WIDTH, subsequent_indent="  ")


def _table(plan: Forecast) -> list[str]:
    last = len(plan.steps) - 1
    rows = [_row(plan, number, each, is_last=number == last) for number, each in enumerate(plan.steps)]
    cells = [[_wrapped(text, width) for text, width in zip(row, _WIDEST, strict=True)] for row in (_HEADS, *rows)]
    widths = [max(len(line) for row in cells for line in row[column]) for column in range(len(_HEADS))]
    table = []
    for row in cells:
        for at in range(max(len(cell) for cell in row)):
            line = (cell[at] if at < len(cell) else "" for cell in row)
            table.append("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
    return table


def _wrapped(text: str, width: int) -> list[str]:
    """Return the lines of a cell; a number and its unit stay together."""
    bound = _UNIT.sub("\N{NO-BREAK SPACE}", text)
    lines = (line for part in bound.split("\n") for line in textwrap.wrap(part, width) or [""])
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


def _row(plan: Forecast, number: int, each: StepForecast, *, is_last: bool) -> tuple[str, ...]:
    (_, *failing) = outcomes(each, is_last=is_last)
    return (
        str(number),
        _named(each),
        _weight(each),
        waits_for(each),
        _since(plan.at, each.ends.earliest),
        _since(plan.at, each.ends.latest),
        "\n".join(dict.fromkeys(then for _, then in failing)),
    )


def _named(each: StepForecast) -> str:
    match each.step:
        case AwaitApproval(gate):
            return f"gate {gate.name}"
        case RunHook(hook):
            return f"hook {hook.name}"
        case Shift():
            return "weight" if each.shares else "preview"
        case Compare(goal=goal):
            return f"experiment by {goal.name}"
        case Prepare():
            return "swap preview"
        case _:
            return "promote"


def _weight(each: StepForecast) -> str:
    """Return the share that is asked for, and below it what targets make of it that cannot say it."""
    rounded = [f"{share.target}: {percent(share.given)}" for share in each.shares if share.is_rounded]
    match each.step:
        case Promote(hold_back=held_back):
            asked = "100 %" if held_back == NONE else f"{percent(rest(held_back))}, then 100 %"
        case Compare(weight=weight):
            asked = percent(weight) if weight > NONE else "0 %, an audience"
        case Shift(weight):
            asked = percent(weight) if weight > NONE else "0 %, testers"
        case _:
            asked = ""
    return "\n".join((asked, *rounded))


def _since(at: datetime, then: datetime | None) -> str:
    return f"+{span_in_words(then - at)}" if then else "never"
