"""`make serve`: the local stack, kept running for one's own tries, on state that survives everything."""

import argparse
import json
import sys
from pathlib import Path
from typing import Final

from local.interruption import InterruptedBySignal, Interruption
from local.private_file import write_private
from local.stack import Stack, StackError, running_stack, with_fix

_LAST_PORT: Final = 65_535
_EXAMPLES: Final = """examples:
  make serve PORT=7080                      # where something else listens on 7071
  make serve PORT=7072 DATA=.data-2 EMPTY=1 # a second one that holds nothing, to restore a backup into
"""


def main() -> int:
    """Run until Ctrl-C or SIGTERM. Prints `ready URL`, and below it where everything is, but the key itself."""
    options = _parse()
    stop = Interruption().listen()
    try:
        with running_stack(options.data, stop, port=options.port, has_shop=not options.empty) as stack:
            kept_in = options.data / "serve.json"
            write_private(kept_in, json.dumps(stack.addresses(), indent=2) + "\n")
            print("\n".join((f"ready {stack.url}", *_whereabouts(stack, kept_in, is_empty=options.empty))), flush=True)
            return _watch(stack, stop)
    except StackError as error:
        print(f"serve: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"serve: the folder {options.data} cannot be used: {with_fix(error)}", file=sys.stderr)
        return 1
    except InterruptedBySignal:
        return 0
    finally:
        stop.ignore()


def _whereabouts(stack: Stack, kept_in: Path, *, is_empty: bool) -> tuple[str, ...]:
    """Say where everything is that a person may want. Terminals are kept in logs, so no key stands here."""
    return (
        f"  API    {stack.url}/api/applications{'' if is_empty else '/shop'}",
        f"  shop   {stack.edge}, what its users see",
        f"  cloud  {stack.cloud}, the sandbox: deploy to it, send it users",
        f"  key    in {kept_in} as key, for X-API-Key, with these addresses",
        f"  keys   of a second operator, of who evaluates flags and of sources: {stack.data}/*-key",
        "Ctrl-C ends it; the state stays.",
    )


def _watch(stack: Stack, stop: Interruption) -> int:
    while (dead := stack.dead()) is None:
        stop.sleep(0.5)
    print(f"serve: {dead}", file=sys.stderr)
    return 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make serve", description=__doc__, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path(".data"), help="folder of the state (make: DATA=)")
    parser.add_argument("--port", type=_port, default=7071, help="port of the API, 0: a free one (make: PORT=)")
    parser.add_argument(
        "--empty",
        action="store_true",
        help="register no shop by itself, such as to restore a backup into the folder (make: EMPTY=1)",
    )
    return parser.parse_args()


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= _LAST_PORT):
        raise argparse.ArgumentTypeError(f"PORT={text}: allowed is a port, 0 to {_LAST_PORT}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
