"""The shop's page behind a flag: `python -m local.shop.flagged_page --slipway URL [--loses bold=0.6] [--lifeline]`.

It asks for the flag `checkout` with OpenFeature's SDK for each visitor, who is known by a cookie, shows the variant
that it was given, and reports by variant what visitors met. Prints one line `ready {"port": 12345}` once it answers.

The environment has its two keys: SHOP_FLAG_KEY evaluates, SHOP_OBSERVATIONS_KEY reports.
"""

import argparse
import asyncio
import json
import os
import secrets
import signal
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random

from aiohttp import web
from openfeature.api import get_client, set_provider_and_wait
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.flag_evaluation import FlagEvaluationDetails

from local.json_calls import NoAnswerError, exchange
from local.shop.checkout_flag import COOKIE, ENVIRONMENT, FALLBACK, FLAG, VARIANTS, WINDOW_SECONDS
from local.shop.exposures import Exposures
from local.shop.lifeline import watch_lifeline
from local.shop.page import flagged_page

ASKERS = 8
"""So many evaluations at once: the SDK's client waits for each answer in its thread."""
REPORT_AGAIN_SECONDS = 0.5
TAKEN, REFUSED = 202, 400


@dataclass(slots=True)
class FlaggedPage:
    """Draws the page and takes checkouts. `loses` is the fraction of its checkouts that each variant loses."""

    flags: OpenFeatureClient
    exposures: Exposures
    loses: Mapping[str, float]
    askers: ThreadPoolExecutor
    random: Random = field(default_factory=Random)

    def routes(self) -> list[web.RouteDef]:
        """Return what it answers."""
        return [web.get("/", self.show), web.post("/checkout", self.check_out)]

    async def show(self, request: web.Request) -> web.Response:
        """Show the page as the visitor's variant has it; a visitor who comes without a cookie is given one."""
        visitor = request.cookies.get(COOKIE) or secrets.token_hex(8)
        details = await asyncio.get_running_loop().run_in_executor(self.askers, self._ask, visitor)
        if details.variant is not None:
            self.exposures.show(details.variant, time.time())
        else:
            why = f"{details.error_code}: {details.error_message}"
            print(f"a visitor was shown what is shown without the flag: {why}", file=sys.stderr, flush=True)
        page = flagged_page(details.value, variant=details.variant or "", reason=str(details.reason))
        response = web.Response(text=page, content_type="text/html", headers={"Cache-Control": "no-store"})
        if COOKIE not in request.cookies:
            response.set_cookie(COOKIE, visitor, httponly=True, samesite="Lax")
        return response

    async def check_out(self, request: web.Request) -> web.Response:
        """Take an order, or lose it; either way it counts for the variant that the visitor was shown."""
        variant = str((await request.post()).get("variant", ""))
        if variant not in self.exposures.variants:
            return web.json_response({"error": "the form names no variant of the page"}, status=400)
        is_lost = self.random.random() < self.loses.get(variant, 0.0)
        self.exposures.check_out(variant, time.time(), is_lost=is_lost)
        if is_lost:
            return web.json_response({"error": "the payment could not be taken"}, status=500)
        return web.json_response({"variant": variant})

    def _ask(self, visitor: str) -> FlagEvaluationDetails[str]:
        return self.flags.get_string_details(FLAG, FALLBACK, EvaluationContext(visitor))


@dataclass(frozen=True, slots=True)
class Reporter:
    """Sends the windows that are over to Slipway, until each was taken. One that is refused is told and given up."""

    slipway: str
    key: str
    exposures: Exposures

    async def keep_reporting(self) -> None:
        """Report each window right after its end, and again while nothing takes it."""
        while True:
            await asyncio.sleep(REPORT_AGAIN_SECONDS)
            for window in self.exposures.ended(time.time()):
                if await asyncio.to_thread(self._is_settled, window):
                    self.exposures.forget(window)

    def _is_settled(self, window: int) -> bool:
        body = json.dumps(self.exposures.report(window)).encode()
        headers = {"X-API-Key": self.key, "Content-Type": "application/json"}
        try:
            answer = exchange("POST", f"{self.slipway}/api/flags/events", body=body, headers=headers)
        except NoAnswerError as error:
            print(f"the report of window {window} is sent again: {error}", file=sys.stderr, flush=True)
            return False
        if answer.status != TAKEN:
            print(f"the report of window {window} was answered {answer.status}: {answer.body}", file=sys.stderr)
        return answer.status == TAKEN or REFUSED <= answer.status < 500


def flags_of(slipway: str, key: str) -> OpenFeatureClient:
    """Return OpenFeature's client for the flags of one Slipway, which this process asks from now on."""
    provider = OFREPProvider(slipway, headers_factory=lambda: {"Authorization": f"Bearer {key}"})
    provider.session.trust_env = False  # what is asked is on this machine: no proxy stands before it
    set_provider_and_wait(provider)
    return get_client()


async def _serve(arguments: argparse.Namespace) -> None:
    exposures = Exposures(FLAG, ENVIRONMENT, VARIANTS, WINDOW_SECONDS, sender="shop-page")
    client = flags_of(arguments.slipway, os.environ["SHOP_FLAG_KEY"])
    reporter = Reporter(arguments.slipway, os.environ["SHOP_OBSERVATIONS_KEY"], exposures)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if arguments.lifeline:
        await watch_lifeline(stop)
    with ThreadPoolExecutor(ASKERS) as askers:
        page = FlaggedPage(client, exposures, dict(arguments.loses), askers, Random(arguments.seed))
        app = web.Application()
        app.add_routes(page.routes())
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=5.0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", arguments.port).start()
        reporting = asyncio.create_task(reporter.keep_reporting())
        print("ready " + json.dumps({"port": runner.addresses[0][1]}), flush=True)
        await stop.wait()
        reporting.cancel()
        await runner.cleanup()


def _loss(text: str) -> tuple[str, float]:
    variant, _, rate = text.partition("=")
    return variant, float(rate)


def main() -> None:
    """Serve the page until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m local.shop.flagged_page", description="A page behind a flag.")
    parser.add_argument("--slipway", required=True, help="the URL of the app that has the flag")
    parser.add_argument("--loses", type=_loss, action="append", default=[], help="VARIANT=FRACTION of its checkouts")
    parser.add_argument("--seed", type=int, default=0, help="decides which checkouts are lost")
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--lifeline", action="store_true", help="stop when standard input closes")
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
