"""`python -m local.cloud.kubernetes --data DIR --token T [--seed N] [--certificate F --key F] [--lifeline]`.

Prints one line `ready {"server": url, "edge": url, "services": [{"service", "host", "version"}]}` and runs until
SIGTERM or SIGINT, or, with `--lifeline`, until its standard input closes. The control API is described in
`local.cloud.kubernetes.control`.
"""

import argparse
import asyncio
import json
import signal
import ssl
import sys
from pathlib import Path

from local.cloud.instance import StartError
from local.cloud.kubernetes.cluster import Cluster
from local.shop.lifeline import watch_lifeline


async def _serve(arguments: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if arguments.lifeline:
        await watch_lifeline(stop)
    cluster = Cluster(arguments.data, token=arguments.token, seed=arguments.seed, tls=_tls(arguments))
    try:
        print(f"ready {json.dumps(await cluster.start())}", flush=True)
        await stop.wait()
    finally:
        await cluster.stop()


def _tls(arguments: argparse.Namespace) -> ssl.SSLContext | None:
    if arguments.certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(arguments.certificate, arguments.key)
    return context


def main() -> None:
    """Run the cluster until told to stop; exits with 1 and a reason when it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m local.cloud.kubernetes", description="A cluster on loopback.")
    parser.add_argument("--data", type=Path, required=True, help="the folder of its state; made when missing")
    parser.add_argument("--token", required=True, help="the bearer token that its API takes")
    parser.add_argument("--seed", type=int, default=0, help="decides how requests are dealt and which checkouts fail")
    parser.add_argument("--certificate", type=Path, help="PEM: with a key, the API speaks https")
    parser.add_argument("--key", type=Path, help="PEM")
    parser.add_argument("--lifeline", action="store_true", help="stop when standard input closes")
    try:
        asyncio.run(_serve(parser.parse_args()))
    except (StartError, OSError) as error:
        sys.exit(f"cluster: cannot run: {error}")


if __name__ == "__main__":
    main()
