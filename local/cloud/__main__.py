"""`python -m local.cloud --data DIR [--port P] [--edge-port E] [--seed N] [--swap-seconds 2] [--lifeline]`.

Prints one line `ready {"management": url, "edge": url, "slots": {name: url}}` and runs until SIGTERM or SIGINT, or,
with `--lifeline`, until its standard input closes. What is in DIR survives a `kill -9`; the control API is
described in `local.cloud.control`.
"""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from local.cloud.cloud import Cloud
from local.cloud.instance import StartError
from local.cloud.journal import FolderInUseError
from local.shop.lifeline import watch_lifeline


async def _serve(arguments: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if arguments.lifeline:
        await watch_lifeline(stop)
    cloud = Cloud(
        arguments.data,
        port=arguments.port,
        edge_port=arguments.edge_port,
        seed=arguments.seed,
        swap_seconds=arguments.swap_seconds,
    )
    try:
        print(f"ready {json.dumps(await cloud.start())}", flush=True)
        await stop.wait()
    finally:
        await cloud.stop()


def main() -> None:
    """Run the sandbox until told to stop; exits with 1 and a reason when it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m local.cloud", description="A sandbox of Azure on loopback.")
    parser.add_argument("--data", type=Path, required=True, help="the folder of its state; made when missing")
    parser.add_argument("--port", type=int, default=0, help="management port; 0: as last time, or a free one")
    parser.add_argument("--edge-port", type=int, default=0, help="the site's own port; 0: as last time, or a free one")
    parser.add_argument("--seed", type=int, default=0, help="decides how clients are dealt and which checkouts fail")
    parser.add_argument("--swap-seconds", type=float, default=2.0, help="how long a swap takes")
    parser.add_argument("--lifeline", action="store_true", help="stop when standard input closes")
    try:
        asyncio.run(_serve(parser.parse_args()))
    except (FolderInUseError, StartError, OSError) as error:
        sys.exit(f"sandbox: cannot run: {error}")


if __name__ == "__main__":
    main()
