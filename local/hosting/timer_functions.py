"""Timer triggers: each runs on its schedule, in UTC, and never twice at once.

As on Azure, the schedule of a timer with `useMonitor` is remembered over restarts: one that was missed
while the host was down fires at once with `past_due` set. Schedules of less than a minute are not
monitored there either.
"""

import json
import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from azure.functions.meta import Datum

from local.hosting.function_index import IndexedFunction, IndexingError
from local.hosting.function_runner import FunctionRunner
from local.hosting.invocation import Invocation
from local.hosting.ncrontab import Ncrontab
from local.hosting.state_file import read_state

logger = logging.getLogger(__name__)

_LONGEST_WAIT = 3600.0  # in seconds: looks at the clock again, for it may have been set


class TimerMonitor:
    """Remembers in a file when each timer is due next; without a file, only while the host runs.

    Raises `StateFileError` for a file of anything else.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._statuses: dict[str, dict[str, str]] = {}
        if path is not None and path.exists():
            self._statuses = read_state(path, "times of timers")

    def read(self, name: str) -> dict[str, str] | None:
        """Return the timer's `Last`, `LastUpdated` and `Next`, or None when it never ran."""
        with self._lock:
            return self._statuses.get(name)

    def write(self, name: str, status: dict[str, str]) -> None:
        """Replace the timer's status: in the file whole or not at all, also where that cannot be written now."""
        with self._lock:
            self._statuses[name] = status
            if self._path is None:
                return
            fresh = self._path.with_suffix(".new")
            try:
                fresh.write_text(json.dumps(self._statuses))
                fresh.replace(self._path)
            except OSError as error:
                logger.warning("When timer %s is due next is not kept over a restart: %s", name, error)


class TimerFunction:
    """Fires one function on its schedule, from its own daemon thread."""

    def __init__(
        self,
        function: IndexedFunction,
        runner: FunctionRunner,
        monitor: TimerMonitor,
        now: Callable[[], datetime],
    ) -> None:
        """Raises `IndexingError` when the schedule is no NCRONTAB expression."""
        options = function.trigger.options
        try:
            self._schedule = Ncrontab.parse(options["schedule"])
            first = self._schedule.next_after(now())
            self._monitored = options.get("useMonitor", True) is not False and self._schedule.next_after(
                first
            ) - first >= timedelta(minutes=1)
        except ValueError as error:
            raise IndexingError(f"function {function.name}: {error}") from error
        self._function = function
        self._runner = runner
        self._monitor = monitor
        self._now = now
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin to fire, at once when the function asks for that or is past due."""
        threading.Thread(target=self._run, name=f"timer-{self._function.name}", daemon=True).start()

    def stop(self) -> None:
        """Fire no more; a run that has begun goes on."""
        self._stopping.set()

    def _run(self) -> None:
        status = self._monitor.read(self._function.name) if self._monitored else None
        past_due = status is not None and datetime.fromisoformat(status["Next"]) < self._now()
        if past_due or self._function.trigger.options.get("runOnStartup"):
            self._fire(status or {}, past_due=past_due)
        elif status is None:
            self._remember(None)
        while self._wait_until(self._schedule.next_after(self._now())):
            self._fire(self._monitor.read(self._function.name) or {}, past_due=False)

    def _wait_until(self, due: datetime) -> bool:
        """Return True when it is time, False when the host stops."""
        while (left := (due - self._now()).total_seconds()) > 0:
            if self._stopping.wait(min(left, _LONGEST_WAIT)):
                return False
        return not self._stopping.is_set()

    def _fire(self, status: dict[str, str], *, past_due: bool) -> None:
        document = {
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": status if self._monitored else None,
            "IsPastDue": past_due,
        }
        begun = self._now()
        # What it raises is in the log already; as on Azure, the timer goes on with its next occurrence.
        self._runner.start(self._function, Invocation(Datum(json.dumps(document), "json"))).exception()
        self._remember(begun)

    def _remember(self, last: datetime | None) -> None:
        if not self._monitored:
            return
        now = self._now()
        status: dict[str, Any] = {
            "Last": (last or datetime.min.replace(tzinfo=now.tzinfo)).isoformat(),
            "LastUpdated": now.isoformat(),
            "Next": self._schedule.next_after(now).isoformat(),
        }
        self._monitor.write(self._function.name, status)
