"""`make serve`: the local stack, kept running for one's own tries, on state that survives everything."""

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path

from local.stack import Stack, StackError, running_stack


def main() -> int:
    """Run until Ctrl-C or SIGTERM. Prints one line `ready URL`; addresses and key are in `DATA/serve.json`."""
    options = _parse()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with running_stack(options.data, port=options.port) as stack:
            _write_addresses(options.data / "serve.json", stack)
            print(f"ready {stack.url}", flush=True)
            return _watch(stack)
    except StackError as error:
        print(f"serve: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def _watch(stack: Stack) -> int:
    while (dead := stack.dead()) is None:
        time.sleep(0.5)
    print(f"serve: {dead}", file=sys.stderr)
    return 1


def _write_addresses(path: Path, stack: Stack) -> None:
    """Write the file whole or not at all; it holds the operator's key, so only its owner may read it."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(stack.addresses(), file, indent=2)
    new.replace(path)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make serve", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(".data"), help="folder of the state (make: DATA=)")
    parser.add_argument("--port", type=int, default=7071, help="port of the API (make: PORT=)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
