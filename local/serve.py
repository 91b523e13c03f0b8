"""`make serve`: the local stack, kept running for one's own tries, on state that survives everything."""

import argparse
import json
import sys
from pathlib import Path

from local.interruption import InterruptedBySignal, Interruption
from local.private_file import write_private
from local.stack import Stack, StackError, running_stack


def main() -> int:
    """Run until Ctrl-C or SIGTERM. Prints one line `ready URL`; addresses and key are in `DATA/serve.json`."""
    options = _parse()
    stop = Interruption().listen()
    try:
        with running_stack(options.data, stop, port=options.port) as stack:
            write_private(options.data / "serve.json", json.dumps(stack.addresses(), indent=2) + "\n")
            print(f"ready {stack.url}", flush=True)
            return _watch(stack, stop)
    except StackError as error:
        print(f"serve: {error}", file=sys.stderr)
        return 1
    except InterruptedBySignal:
        return 0
    finally:
        stop.ignore()


def _watch(stack: Stack, stop: Interruption) -> int:
    while (dead := stack.dead()) is None:
        stop.sleep(0.5)
    print(f"serve: {dead}", file=sys.stderr)
    return 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make serve", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(".data"), help="folder of the state (make: DATA=)")
    parser.add_argument("--port", type=int, default=7071, help="port of the API (make: PORT=)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
