"""What happened in a schedule, line by line, for people and for comparing two runs byte by byte."""

from collections.abc import Callable
from typing import Any, TextIO

from tests.simulation.protocol.tasks import Task

LONGEST = 150


class Trace:
    """Collects lines, and writes them at once where somebody reads along."""

    def __init__(self, out: TextIO | None = None) -> None:
        self.lines: list[str] = []
        self._out = out

    def line(self, seconds: float, who: str, what: str, told: str) -> None:
        """Add a line: when, who, what, and the rest of it."""
        text = f"{seconds:9.2f}  {who:<14} {what:<22} {told}".rstrip()
        self.lines.append(text)
        if self._out is not None:
            print(text, file=self._out)

    def event(self, seconds: float, event: Any) -> None:
        """Write what was decided."""
        said = (getattr(event, name, None) for name in ("rollout", "step", "target", "why", "because", "reason", "by"))
        ending = getattr(event, "ending", None)
        more = f" {ending.phase}: {ending.reason}" if ending is not None else ""
        told = " ".join(str(each) for each in said if each not in (None, ""))
        self.line(seconds, "", f"  {type(event).__name__}", f"{told}{more}"[: 2 * LONGEST])

    def call(self, world: Any, task: Task, method: str, do: Callable[..., Any], args: Any, options: Any) -> Any:
        """Carry out one call and write it with what it returned or raised."""
        asked = ", ".join([*(_shown(arg) for arg in args), *(f"{k}={_shown(v)}" for k, v in options.items())])
        try:
            result = do(*args, **options)
        except Exception as error:
            self.line(world.seconds, task.name, method, f"{asked} !! {type(error).__name__}: {error}")
            raise
        told = "" if result is None else f" -> {_shown(result)}"
        self.line(world.seconds, task.name, method, f"{asked}{told}")
        return result


def _shown(value: object) -> str:
    """Return what people read of a value: short, and the same in every run."""
    named = _NAMES.get(type(value).__name__)
    text = named(value) if named else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _change(change: Any) -> str:
    events = ", ".join(f"{entry.sequence}" for entry in change.history)
    parts = [f"{change.key} over {change.etag}"]
    parts += [f"history {events}"] if events else []
    parts += [f"opens {' '.join(row.id for row in change.opened)}"] if change.opened else []
    parts += [f"closes {' '.join(change.closed)}"] if change.closed else []
    parts += [f"answers {' '.join(entry.command_id for entry in change.consumed)}"] if change.consumed else []
    return "; ".join(parts)


def _wake_up(wake_up: Any) -> str:
    more = "".join(f" {name}={getattr(wake_up, name)}" for name in ("attempt", "marker") if getattr(wake_up, name))
    return f"{wake_up.key} fence={wake_up.fence!r}{more}"


_NAMES: dict[str, Callable[[Any], str]] = {
    "Change": _change,
    "WakeUp": _wake_up,
    "Target": lambda target: target.name,
    "Loaded": lambda loaded: f"etag {loaded.etag}, {len(loaded.inbox)} in the inbox",
    "datetime": lambda at: f"{at:%H:%M:%S.%f}"[:-4],
    "InboxEntry": lambda entry: entry.command_id,
    "WindowQuestion": lambda asked: f"{asked.target.name} {asked.since:%H:%M}-{asked.until:%H:%M}",
    "tuple": lambda values: f"{len(values)} values" if len(values) > 2 else ", ".join(_shown(v) for v in values),
    "IndexRow": lambda row: f"{row.key} version {row.version}",
    "Receipt": lambda receipt: "stored" if receipt.first else "known",
    "Webhook": lambda hook: "webhook",
    "GithubWorkflow": lambda hook: "workflow",
    "dict": lambda found: f"{len(found)} members",
    "Notification": lambda told: told.name,
    "Delivery": lambda delivery: f"message {delivery.sequence}",
}
