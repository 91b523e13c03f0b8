"""`slipway check`: reads a release spec as the API would, without asking anybody."""

import argparse
from typing import Any

from cli.reading import UnreadableError, read_file
from cli.refusing import refuse
from cli.telling import tell, tell_json
from shared.domain.errors import InvalidError, Problem
from shared.wire.spec import parse_spec

_EXAMPLES = """examples:
  python -m cli check slipway.yaml
  python -m cli import canary.yaml | python -m cli check -
"""


def add_parser(commands: Any) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "check",
        help="read a release spec offline and say everything that is wrong with it",
        description="Read a release spec offline: prints ok, or every problem with its line.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", help="a release spec, YAML or JSON; - for the standard input")
    parser.add_argument("--json", action="store_true", help="write the result as JSON")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    try:
        spec = parse_spec(read_file(options.file))
    except UnreadableError as error:
        return refuse(options, (Problem("", str(error)),))
    except InvalidError as error:
        return refuse(options, error.problems)
    if options.json:
        tell_json({"ok": True, "application": spec.application, "problems": []})
    else:
        tell("ok")
    return 0
