"""The stories that `make demo STORY=...` can tell."""

import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Final

from local.interruption import Interruption
from local.shop.checkout_flag import ENVIRONMENT
from local.stack import ROOT, Stack, ready_words, running_process
from local.story.blue_green import BlueGreenStory
from local.story.chapters import Story
from local.story.experiment import NEW_CHECKOUT, ExperimentStory
from local.story.flags import MAX_AGE_SECONDS, FlagStory
from local.story.migration import MigrationStory
from local.story.other_side import OtherSide, answering
from local.story.sandbox import Sandbox
from local.story.screen import Screen
from local.story.slipway_api import SlipwayApi
from local.story.telling import Told
from local.story.together import TogetherStory
from local.story.visitors import visiting

BAD = 0.2
BOLD = 0.6
WORK_SECONDS = 3.0
"""How long the other side of a hook works."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a story is told."""

    stack: Stack
    screen: Screen
    stop: Interruption
    version_3_error_rate: float | None
    """The fraction of its checkouts that version 3 fails; None: as the story has it. With another the story differs."""

    @property
    def bad(self) -> float:
        """The same, for stories whose version 3 is bad."""
        return BAD if self.version_3_error_rate is None else self.version_3_error_rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """How a story begins: what the app must be set up with, and the story itself."""

    tell: Callable[[Stage], AbstractContextManager[Told]]
    settings: Mapping[str, str] = field(default_factory=dict)
    """App settings beside those of every stack."""


@contextmanager
def _canary(stage: Stage) -> Iterator[Told]:
    stack = stage.stack
    slipway, sandbox = SlipwayApi(stack.url, stack.key), Sandbox(stack.cloud, stack.edge)
    yield Story(slipway, sandbox, stage.screen, stage.stop, stage.bad)


@contextmanager
def _blue_green(stage: Stage) -> Iterator[Told]:
    slipway = SlipwayApi(stage.stack.url, stage.stack.key, "kiosk")
    spec = (ROOT / "local" / "shop" / "kiosk.yaml").read_text()
    yield BlueGreenStory(slipway, stage.stack.cloud, spec, stage.screen, stage.stop, stage.bad)


@contextmanager
def _experiment(stage: Stage) -> Iterator[Told]:
    stack = stage.stack
    slipway, sandbox = SlipwayApi(stack.url, stack.key), Sandbox(stack.cloud, stack.edge)
    spec = (ROOT / "local" / "shop" / "experiment.yaml").read_text()
    rate = NEW_CHECKOUT if stage.version_3_error_rate is None else stage.version_3_error_rate
    yield ExperimentStory(slipway, sandbox, spec, stage.screen, stage.stop, rate)


@contextmanager
def _together(stage: Stage) -> Iterator[Told]:
    stack, folder = stage.stack, ROOT / "local" / "shop"
    apis = {name: SlipwayApi(stack.url, stack.key, name) for name in ("shop", "kiosk")}
    specs = {name: (folder / f"together-{name}.yaml").read_text() for name in apis}
    shop = Sandbox(stack.cloud, stack.edge)
    yield TogetherStory(apis["shop"], apis["kiosk"], shop, specs, stage.screen, stage.stop, stage.bad)


def _migration() -> Telling:
    key = secrets.token_urlsafe(24)

    @contextmanager
    def tell(stage: Stage) -> Iterator[Told]:
        stack = stage.stack
        slipway, sandbox = SlipwayApi(stack.url, stack.key), Sandbox(stack.cloud, stack.edge)
        spec = (ROOT / "local" / "shop" / "migrating.yaml").read_text()
        with answering(OtherSide(key, WORK_SECONDS)) as side:
            yield MigrationStory(slipway, sandbox, side, spec, stage.screen, stage.stop, stage.bad)

    return Telling(tell=tell, settings={"SLIPWAY_SECRET_MIGRATIONS": key})


def _flags() -> Telling:
    key = secrets.token_urlsafe(24)

    @contextmanager
    def tell(stage: Stage) -> Iterator[Told]:
        stack, folder = stage.stack, ROOT / "local" / "shop"
        loses = BOLD if stage.version_3_error_rate is None else stage.version_3_error_rate
        keys = {"SHOP_FLAG_KEY": key, "SHOP_OBSERVATIONS_KEY": stack.source_key("observations")}
        log, options = stack.data / "page.log", ("--slipway", stack.url, "--loses", f"bold={loses}")
        with running_process("local.shop.flagged_page", log, *options, env={**os.environ, **keys}) as process:
            port = json.loads(ready_words(process, "the shop's page", log, stage.stop))["port"]
            slipway = SlipwayApi(stack.url, stack.key, "shop-page")
            spec, flag = (folder / "flagged.yaml").read_text(), (folder / "checkout-flag.yaml").read_text()
            with visiting(f"http://127.0.0.1:{port}") as visitors:
                yield FlagStory(slipway, visitors, spec, flag, stage.screen, stage.stop, loses)

    keys = {"SLIPWAY_FLAG_KEYS": f"{ENVIRONMENT}/shop={key}", "SLIPWAY_FLAG_MAX_AGE": str(MAX_AGE_SECONDS)}
    return Telling(tell=tell, settings=keys)


MAIN: Final = "canary"
STORIES: Final[Mapping[str, Callable[[], Telling]]] = {
    MAIN: lambda: Telling(tell=_canary),
    "blue-green": lambda: Telling(tell=_blue_green),
    "experiment": lambda: Telling(tell=_experiment),
    "flags": _flags,
    "migration": _migration,
    "together": lambda: Telling(tell=_together),
}
"""By name; the first one is told when nobody asks for another."""
