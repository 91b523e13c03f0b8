"""`make demo`: the main job, told as a story on the real stack, with real traffic. Exit code 0 if it came true.

`make demo STORY=blue-green` tells another one; `--help` lists them.
"""

import argparse
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.text import Text

from local.interruption import InterruptedBySignal, Interruption
from local.json_calls import NoAnswerError
from local.stack import Stack, StackError, log_tail, running_stack
from local.story.differs import StoryDiffersError
from local.story.screen import Screen
from local.story.stories import MAIN, STORIES, Stage
from local.story.telling import Told

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
        return _tell(options, stop, screen, watch)
    except InterruptedBySignal as interrupted:
        screen.print(Text(f"{interrupted}; nothing was left running", style="yellow"))
        return interrupted.exit_code
    finally:
        stop.ignore()


def _tell(options: argparse.Namespace, stop: Interruption, screen: Screen, watch: Stopwatch) -> int:
    differs, telling = "", STORIES[options.story]()
    with ExitStack() as cleanup:
        data = Path(cleanup.enter_context(TemporaryDirectory(prefix="slipway-demo-")))
        screen.say("starting the Functions host, the sandbox cloud and the shop")
        try:
            stack = cleanup.enter_context(running_stack(data, stop, seed=SEED, settings=telling.settings))
            watch.lap("start")
            screen.say(f"the API is at {stack.url}, the shop's users go to {stack.edge}")
            story = cleanup.enter_context(telling.tell(Stage(stack, screen, stop, options.version_3_error_rate)))
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


def _tell_chapters(story: Told, stack: Stack, screen: Screen, watch: Stopwatch) -> str:
    """Tell them all; return what differed from the story, or nothing."""
    differs = ""
    try:
        with screen.living():
            for chapter in story.chapters():
                chapter.tell()
                watch.lap(chapter.name)
    except (StoryDiffersError, NoAnswerError) as error:
        differs = f"{error} ({dead})" if (dead := stack.dead()) else str(error)
    screen.print("")
    screen.print(story.closing())
    return differs


def _show_logs(screen: Screen, data: Path) -> None:
    for log in sorted(data.glob("*.log")):
        screen.print(Text(f"\nThe end of {log.name}:\n{log_tail(log)}", style="dim"))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--story", choices=STORIES, default=MAIN, help="which one is told (make: STORY=)")
    parser.add_argument("--began", type=float, default=time.time(), help="when installation began, seconds since 1970")
    parser.add_argument(
        "--version-3-error-rate", type=float, help="which part of its checkouts it fails; with 0 stories differ"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
