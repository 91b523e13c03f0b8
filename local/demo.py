"""`make demo`: the main job, told as a story on the real stack, with real traffic. Exit code 0 if it came true."""

import argparse
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.text import Text

from local.interruption import InterruptedBySignal, Interruption
from local.json_calls import NoAnswerError
from local.stack import Stack, StackError, log_tail, running_stack
from local.story.chapters import Story
from local.story.closing import closing_table
from local.story.differs import StoryDiffersError
from local.story.sandbox import Sandbox
from local.story.screen import Screen
from local.story.slipway_api import SlipwayApi

SEED = 2
"""How the sandbox deals users and which checkouts fail: the same in each demo."""


class Stopwatch:
    """How long each part took."""

    def __init__(self, began: float) -> None:
        self.began = began
        self.parts: list[tuple[str, float]] = []
        self._lap = began

    def lap(self, part: str) -> None:
        """End a part."""
        now = time.time()
        self.parts.append((part, now - self._lap))
        self._lap = now

    def __str__(self) -> str:
        parts = ", ".join(f"{part} {seconds:.0f} s" for part, seconds in self.parts)
        return f"{parts}; in all {self._lap - self.began:.0f} s"


def main() -> int:
    """Tell the story and return the exit code: 0 as told, 1 when anything differed, 128 + signal when interrupted."""
    options = _parse()
    stop = Interruption().listen()
    screen = Screen()
    watch = Stopwatch(options.began)
    watch.lap("installation")
    try:
        return _tell(options.version_3_error_rate, stop, screen, watch)
    except InterruptedBySignal as interrupted:
        screen.print(Text(f"{interrupted}; nothing was left running", style="yellow"))
        return interrupted.exit_code
    finally:
        stop.ignore()


def _tell(error_rate: float, stop: Interruption, screen: Screen, watch: Stopwatch) -> int:
    differs = ""
    with ExitStack() as cleanup:
        data = Path(cleanup.enter_context(TemporaryDirectory(prefix="slipway-demo-")))
        screen.say("starting the Functions host, the sandbox cloud and the shop")
        try:
            stack = cleanup.enter_context(running_stack(data, stop, seed=SEED))
            watch.lap("start")
            screen.say(f"the API is at {stack.url}, the shop's users go to {stack.edge}")
            story = _story(stack, error_rate, stop, screen)
            differs = _tell_chapters(story, stack, screen, watch)
        except StackError as error:
            differs = str(error)
        if differs:
            _show_logs(screen, data)
    watch.lap("end")
    screen.print(f"\ntimes: {watch}")
    if differs:
        screen.print(Text(f"\nThe story differs: {differs}", style="bold red"))
        return 1
    screen.print(Text("\nIt went as the story says.", style="bold green"))
    return 0


def _story(stack: Stack, error_rate: float, stop: Interruption, screen: Screen) -> Story:
    slipway = SlipwayApi(stack.url, stack.key)
    return Story(slipway, Sandbox(stack.cloud, stack.edge), screen, stop, error_rate)


def _tell_chapters(story: Story, stack: Stack, screen: Screen, watch: Stopwatch) -> str:
    """Tell them all; return what differed from the story, or nothing."""
    chapters: tuple[tuple[str, Callable[[], None]], ...] = (
        ("version 1", story.users_come),
        ("version 2", story.good_version),
        ("version 3", story.bad_version),
        ("version 4", story.person),
        ("closing", story.users_were_served),
    )
    differs = ""
    try:
        with screen.living():
            for name, tell in chapters:
                tell()
                watch.lap(name)
    except (StoryDiffersError, NoAnswerError) as error:
        differs = f"{error} ({dead})" if (dead := stack.dead()) else str(error)
    with suppress(StoryDiffersError, NoAnswerError):
        story.findings.served = story.sandbox.served()
    screen.print("")
    screen.print(closing_table(story.findings))
    return differs


def _show_logs(screen: Screen, data: Path) -> None:
    for log in sorted(data.glob("*.log")):
        screen.print(Text(f"\nThe end of {log.name}:\n{log_tail(log)}", style="dim"))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--began", type=float, default=time.time(), help="when installation began, seconds since 1970")
    parser.add_argument(
        "--version-3-error-rate", type=float, default=0.2, help="0 makes version 3 healthy: then the story differs"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
