"""`python -m local.shop --version 2 [--error-rate 0.2] [--latency-ms 30] [--seed 7] [--port 0] [--lifeline]`.

Prints one line `ready {"port": 12345}` once it answers, and stops on SIGTERM or SIGINT. With `--lifeline` it also
stops when its standard input closes, so it never outlives the process that started it.
"""

import argparse
import asyncio
import json
import os
import signal

from aiohttp import web

from local.shop.lifeline import watch_lifeline
from local.shop.shop import Shop

_FOREVER = 365 * 24 * 3600.0
_SETTING = "APPSETTING_"
"""How App Service begins the names of the variables that it makes of app settings."""


async def _serve(arguments: argparse.Namespace) -> None:
    shop = Shop(
        arguments.version,
        error_rate=arguments.error_rate,
        latency_ms=arguments.latency_ms,
        seed=arguments.seed,
        settings={
            name.removeprefix(_SETTING): value for name, value in os.environ.items() if name.startswith(_SETTING)
        },
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if arguments.lifeline:
        await watch_lifeline(stop)
    # An idle connection is never closed from this side: a proxy in front would lose the request it just sent.
    runner = web.ServerRunner(
        web.Server(shop.answer, access_log=None, keepalive_timeout=_FOREVER), shutdown_timeout=5.0
    )
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", arguments.port).start()
    print("ready " + json.dumps({"port": runner.addresses[0][1]}), flush=True)
    await stop.wait()
    await runner.cleanup()


def main() -> None:
    """Serve one version until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m local.shop", description="A small web shop to release.")
    parser.add_argument("--version", required=True, help="what /version and X-Version say")
    parser.add_argument("--error-rate", type=float, default=0.0, help="fraction of checkouts answering 500")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="added to the page and each checkout")
    parser.add_argument("--seed", type=int, default=0, help="decides which checkouts fail")
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--lifeline", action="store_true", help="stop when standard input closes")
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
