"""`python -m cli`: what an operator asks for at a terminal."""

import argparse
import sys
from collections.abc import Sequence

from cli import checking, importing, planning


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code: 0 done, 1 refused, 2 not understood."""
    options = _parser().parse_args(arguments)
    code: int = options.run(options)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cli",
        description="Progressive delivery for Azure with no server of its own.",
        epilog="exit codes: 0 done, 1 refused, 2 the command line was not understood",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (importing, checking, planning):
        command.add_parser(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
