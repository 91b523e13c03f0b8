"""The stories that `make demo STORY=...` can tell."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from local.interruption import Interruption
from local.stack import ROOT, Stack
from local.story.blue_green import BlueGreenStory
from local.story.chapters import Story
from local.story.sandbox import Sandbox
from local.story.screen import Screen
from local.story.slipway_api import SlipwayApi
from local.story.telling import Told


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a story is told."""

    stack: Stack
    screen: Screen
    stop: Interruption
    version_3_error_rate: float
    """The fraction of its checkouts that version 3 fails: 0 makes it healthy, and then the story differs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """How a story begins: what the app must be set up with, and the story itself."""

    tell: Callable[[Stage], Told]
    settings: Mapping[str, str] = field(default_factory=dict)
    """App settings beside those of every stack."""


def _canary(stage: Stage) -> Told:
    stack = stage.stack
    slipway, sandbox = SlipwayApi(stack.url, stack.key), Sandbox(stack.cloud, stack.edge)
    return Story(slipway, sandbox, stage.screen, stage.stop, stage.version_3_error_rate)


def _blue_green(stage: Stage) -> Told:
    slipway = SlipwayApi(stage.stack.url, stage.stack.key, "kiosk")
    spec = (ROOT / "local" / "shop" / "kiosk.yaml").read_text()
    return BlueGreenStory(slipway, stage.stack.cloud, spec, stage.screen, stage.stop, stage.version_3_error_rate)


MAIN: Final = "canary"
STORIES: Final[Mapping[str, Callable[[], Telling]]] = {
    MAIN: lambda: Telling(tell=_canary),
    "blue-green": lambda: Telling(tell=_blue_green),
}
"""By name; the first one is told when nobody asks for another."""
