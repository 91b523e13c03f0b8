"""A schedule: all that happens to one simulated world and all that goes wrong in it, as plain data.

Nothing is drawn while a schedule runs. So it replays exactly, whoever drew it, and can be made smaller by leaving
things out.
"""

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

Arg = str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The release spec of one application, by the names that `recipes` knows."""

    strategy: str = "canary"
    targets: tuple[str, ...] = ("web",)
    hooks: str = "none"
    otherwise: str = "rollback"
    when_busy: str = "queue"
    on_alert: str = "rollback"
    hold_back: int = 0
    warm_minutes: int = 0
    notifies: bool = False
    previews: bool = False
    windows: str = "none"
    pushed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One thing that somebody does: `at` seconds after the beginning, or just before a port call.

    That is the one with number `call`, or the one that `before` names, such as `router.set_share 3`.
    """

    kind: str
    at: float = 0.0
    call: int | None = None
    before: str = ""
    app: int = 0
    args: tuple[Arg, ...] = ()

    def __str__(self) -> str:
        when = self.before or (f"call {self.call}" if self.call is not None else f"{self.at:g} s")
        return f"{self.kind}({', '.join(str(arg) for arg in (self.app, *self.args))}) at {when}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong with the `nth` call of one method of one port, such as `store.commit`."""

    method: str
    nth: int
    kind: str
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"{self.kind} at {self.method} #{self.nth}" + (f" ({self.seconds:g} s)" if self.seconds else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One simulated world and its story."""

    seed: int = 0
    apps: tuple[Recipe, ...] = (Recipe(),)
    skews: tuple[float, ...] = (0.0, 0.0)
    """How many seconds each worker's clock is ahead; so many workers there are."""
    latency: float = 0.0
    """How many seconds each port call takes."""
    sessions: bool = True
    """Whether the queue keeps the messages of one application apart; without, nothing but the store does."""
    real_wire: bool = False
    """Whether states are written and read in their stored form; else they are kept as the values that they are."""
    moves: tuple[Move, ...] = ()
    faults: tuple[Fault, ...] = ()
    switches: tuple[int, ...] = ()
    """The numbers of the port calls before which another task that is ready goes on."""
    storm: float = 1800.0
    """Until so many seconds after the beginning faults are met."""
    people_finish: bool = True
    """Whether people decide what waits for them, once all is calm again."""

    @property
    def size(self) -> int:
        """How many things happen or go wrong in it."""
        return len(self.moves) + len(self.faults) + len(self.switches)

    def to_json(self) -> str:
        """Return the schedule as JSON, one thing a line."""
        return _lines(asdict(self))

    @staticmethod
    def from_json(text: str) -> "Schedule":
        """Return the schedule. Raises ValueError, KeyError or TypeError for what is none."""
        found = json.loads(text)
        found["apps"] = tuple(_made(Recipe, each) for each in found["apps"])
        found["moves"] = tuple(_made(Move, each) for each in found["moves"])
        found["faults"] = tuple(_made(Fault, each) for each in found["faults"])
        made: Schedule = _made(Schedule, found)
        return made


def _made(kind: Any, found: dict[str, Any]) -> Any:
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in found.items()})


def _lines(document: dict[str, Any]) -> str:
    parts = []
    for name, value in document.items():
        if isinstance(value, tuple) and value and isinstance(value[0], dict):
            body = ",\n    ".join(json.dumps(_told(each)) for each in value)
            parts.append(f'  "{name}": [\n    {body}\n  ]')
        else:
            parts.append(f'  "{name}": {json.dumps(value)}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _told(each: dict[str, Any]) -> dict[str, Any]:
    """Leave out what says nothing."""
    usual = {**{f.name: f.default for kind in (Move, Fault) for f in fields(kind)}}
    if "strategy" in each:
        return {name: value for name, value in each.items() if value != _RECIPE[name]}
    return {name: value for name, value in each.items() if name in ("kind", "method", "nth") or value != usual[name]}


_RECIPE = {f.name: f.default for f in fields(Recipe)}
