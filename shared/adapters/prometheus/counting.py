"""How requests are counted out of counters: the expressions that Prometheus computes, and why these.

A counter is a number that a process shows at each scrape. It begins at 0 when the process begins, grows, and begins
at 0 again when the process does. What happened in a window is the growth of all series of a version within it. Three
ways to have it computed were weighed:

- `increase()` guesses. It stretches what it saw to the window's edges, so that whole requests become 10.7 of them, or
  more failures than requests; what grew between the last sample of one window and the first of the next is in neither;
  and it never counts a series' first value. But the first failure is the first value: a counter split by status has
  no series before it, and with `increase()` a version that fails once a pod, or fails at once and dies, has no
  failures at all. With one scrape a window it says nothing.
- Raw samples, fetched and counted here, are exact, but there are pods x routes x buckets of them: megabytes for a
  window of a middling shop, and a hundred for the hour before a rollout.
- So Prometheus does the exact counting. Windows are cut into steps about as long as a scrape interval. In each step
  the newest value of each series (F) is compared with the last one before it (B), and only then summed by version:

      sum by (version) (((F - B) >= 0) or F)        F: last_over_time(S[15s])   B: last_over_time(S[1h] offset 15s)

What this one line says, for each series by itself:

- **It grew**: the difference counts. Differences of neighbouring steps, and of neighbouring windows, fit together
  without a gap: each request counts once, in the window in which Prometheus learnt of it.
- **It is less than it was**: the process began again. What it shows now is what it counted since, so that counts. What
  it counted between its last scrape and its end nobody ever saw. Two restarts within one step, or the growth between
  two scrapes of one step before a restart, are not seen either; so steps are short. A process that was begun again and
  has already outgrown its old value looks like one that grew less: nothing in the data tells them apart.
- **It was not there in the hour before**: it is new, its counter began at 0, and its first value counts whole: a new
  pod, a first failure.
- **It went away**: its last value within the window counts. `last_over_time` looks past the mark with which
  Prometheus says that a series ended, so a pod that dies keeps what it served.
- **It came back** within the hour, because a scrape failed or Prometheus was down: the difference to its last known
  value counts. A pod that was too unwell to be scraped shows its failures when it comes back, and they count.

The last three can be wrong in one way: a value may be large and *old*, because Prometheus only now began to look, was
down for long, or gives old counters new labels (a pod's labels change, an instance is renamed). Then hours would count
in one window. So all growth of requests that does not rest on a value from the last five minutes (the time for which
Prometheus itself lets a value stand) is also summed alone, as `late`. Where that is more than five minutes of all
the traffic could explain, the window is no measurement (`is_credible`).

Whether a window is whole is asked too: it is when Prometheus has a sample, of any version, after its end. Before that,
a scrape or a remote write may be under way, and what it brings would count in no window.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from shared.adapters.prometheus.promql_text import duration
from shared.adapters.prometheus.selector import Selector

PART: Final = "slipway"
"""The label that says which part of an answer a series belongs to."""
CURRENT: Final = timedelta(minutes=5)
"""How long Prometheus lets a value stand: its own default."""
KNOWN: Final = timedelta(hours=1)
"""A series that was not there for so long is new."""

_SCRAPE: Final = timedelta(seconds=15)
_LEAST_STEPS: Final = 4
_MOST_STEPS: Final = 20
_MOST_STEPS_IN_ALL: Final = 120
_CREDIBLE_TIMES: Final = 2.0
_ALWAYS_CREDIBLE: Final = 100.0


def steps_of(window: timedelta, windows: int) -> int:
    """Return in how many steps of whole milliseconds each of so many windows is cut: few when windows are many."""
    wanted = min(max(-(-window // _SCRAPE), _LEAST_STEPS), _MOST_STEPS, max(_MOST_STEPS_IN_ALL // max(windows, 1), 1))
    milliseconds = window // timedelta(milliseconds=1)
    return next(steps for steps in range(wanted, 0, -1) if milliseconds % steps == 0)


@dataclass(frozen=True, slots=True)
class Counting:
    """Expressions over one step, each of one series for each series of the selector or, summed, for each version."""

    step: timedelta
    version_label: str

    def growth(self, selector: Selector) -> str:
        """Return by how much each counter grew in the step."""
        return f"(({self._newest(selector)} - {self._before(selector, KNOWN)}) >= 0 or {self._newest(selector)})"

    def late(self, selector: Selector) -> str:
        """Return the growth of those counters that had no value in the five minutes before the step."""
        return f"({self.growth(selector)} unless {self._before(selector, CURRENT)})"

    def seen(self, selector: Selector) -> str:
        """Return the series that have a value in the step."""
        return self._newest(selector)

    def seen_after(self, selector: Selector) -> str:
        """Return the series that have a value in the five minutes after the step."""
        return f"last_over_time({selector}[{duration(CURRENT)}] offset -{duration(CURRENT)})"

    def by_version(self, combine: str, expression: str, *labels: str) -> str:
        """Return an aggregate (`sum`, `count`) over all series of a version; `labels` stay apart too."""
        return f"{combine} by ({', '.join((self.version_label, *labels))}) ({expression})"

    def _newest(self, selector: Selector) -> str:
        return f"last_over_time({selector}[{duration(self.step)}])"

    def _before(self, selector: Selector, time: timedelta) -> str:
        return f"last_over_time({selector}[{duration(time)}] offset {duration(self.step)})"


def tagged(part: str, expression: str) -> str:
    """Return the expression whose series say that they belong to this part."""
    return f'label_replace({expression}, "{PART}", "{part}", "", "")'


def is_credible(late: float, usual_per_second: float, window: timedelta) -> bool:
    """Whether so much late growth can be of this window: new series begin small, pauses of five minutes end.

    `usual_per_second` is the growth of all versions together that rests on fresh values.
    """
    explained = usual_per_second * (CURRENT + window).total_seconds()
    return late <= _CREDIBLE_TIMES * explained + _ALWAYS_CREDIBLE
