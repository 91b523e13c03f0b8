"""`python -m cli`: what an operator asks for at a terminal."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Final

from cli import backup, checking, dead_letters, flags, importing, planning

NOT_READ: Final = 141
"""What a shell reports for a program whose reader went away, such as `| head`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code: 0 done, 1 refused, 2 not understood."""
    try:
        try:
            return _run(arguments)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # Python would try to write what is left once more at its end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOT_READ


def _run(arguments: Sequence[str] | None) -> int:
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except ModuleNotFoundError as error:
        fix = "`make setup-local` installs it, and .venv/bin/python -m cli finds it"
        sys.stderr.write(f"{error.name} is not installed here; {fix}\n")
        return 2
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cli",
        description="Progressive delivery for Azure with no server of its own.",
        epilog="exit codes: 0 done, 1 refused, 2 the command line was not understood",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (importing, checking, planning, flags, dead_letters, backup):
        command.add_parser(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
