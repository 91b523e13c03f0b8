"""What the programs behind `make` have in common: numbers that make sense, help with examples, and a quiet end.

A proof of nothing at all would print that everything held, so what asks for none is refused.
"""

import argparse
import os
import sys
from collections.abc import Callable
from typing import Final, NoReturn

INTERRUPTED: Final = 130
"""What a shell reports for a program that Ctrl-C ended."""
NOT_READ: Final = 141
"""The same for one whose reader went away, such as `| head`."""


def asked_of(name: str, about: str | None, *examples: str) -> argparse.ArgumentParser:
    """Return a parser for `make name`, whose help ends with the examples."""
    return argparse.ArgumentParser(
        prog=f"make {name}",
        description=about,
        epilog="\n".join(("examples:", *(f"  {each}" for each in examples))),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def whole(name: str, least: int) -> Callable[[str], int]:
    """Return what reads an option that make calls `name`: a whole number from `least` on."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(f"{name}={text}: allowed is a whole number from {least} on")
        return number

    return read


def more_than_none(name: str) -> Callable[[str], float]:
    """Return what reads an option that make calls `name`: a number above 0."""

    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = 0.0
        if not 0 < number < float("inf"):
            raise argparse.ArgumentTypeError(f"{name}={text}: allowed is a number above 0")
        return number

    return read


def run(main: Callable[[], int]) -> NoReturn:
    """Run a program and exit with its code; an interrupt, or a reader that went away, ends it without a traceback."""
    try:
        code = main()
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("\nbroken off", file=sys.stderr)
        code = INTERRUPTED
    except BrokenPipeError:
        # Python would try to write what is left once more at its end, and complain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = NOT_READ
    sys.exit(code)
