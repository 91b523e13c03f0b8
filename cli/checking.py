"""`slipway check`: reads a release spec as the API would, without asking anybody."""

import argparse
from datetime import UTC, datetime
from typing import Any

from cli.reading import UnreadableError, shown_name
from cli.refusing import refuse
from cli.specs import read_specs
from cli.telling import in_one, remark, tell, tell_json
from shared.domain.errors import InvalidError, Problem
from shared.domain.rollout.forecast import forecast
from shared.domain.rollout.spec import Spec
from shared.wire.plan_words import warnings

_EXAMPLES = """examples:
  python -m cli check slipway.yaml
  python -m cli import canary.yaml | python -m cli check -
"""


def add_parser(commands: Any) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "check",
        help="read a release spec offline and say everything that is wrong with it",
        description="Read release specs offline: prints ok, or every problem with its line. Warnings refuse nothing.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "file",
        metavar="FILE",
        help="a release spec, YAML or JSON, or several as documents of one YAML file; - for the standard input",
    )
    parser.add_argument("--json", action="store_true", help="write the result as JSON")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    try:
        specs = read_specs(options.file)
    except UnreadableError as error:
        return refuse(options, (Problem("", str(error)),))
    except InvalidError as error:
        return refuse(options, error.problems)
    now = datetime.now(UTC)
    if options.json:
        tell_json(in_one([_document(spec, now) for spec in specs], "specs"))
        return 0
    for spec in specs:
        for warning in warnings(forecast(spec, now)):
            remark(f"{shown_name(options.file)}: look: {warning}")
        tell("ok" if len(specs) == 1 else f"{spec.application}: ok")
    return 0


def _document(spec: Spec, now: datetime) -> dict[str, Any]:
    return {
        "ok": True,
        "application": spec.application,
        "problems": [],
        "warnings": list(warnings(forecast(spec, now))),
    }
