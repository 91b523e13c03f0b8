"""Drawing a schedule from a seed: the same seed is the same schedule, on every machine."""

from dataclasses import replace
from random import Random

from tests.simulation.protocol.calendars import CALENDARS
from tests.simulation.protocol.doubts import with_doubts
from tests.simulation.protocol.faults import CALLS, CHANGES, FLAGS, HOST, KINDS, LOOKS, PUSHES, QUEUE, SIDE, STORE
from tests.simulation.protocol.pressure import under_pressure
from tests.simulation.protocol.recipes import HOOKS, STRATEGIES
from tests.simulation.protocol.schedule import Arg, Fault, Move, Recipe, Schedule

TARGETS = (("web",), ("web",), ("app",), ("route",), ("dns",), ("web", "app"), ("web", "west"), ("app", "route"))
OF_FLAGS = ("canary", "short", "gated", "descending", "blue-green")
"""The strategies that need nothing of a target but a share."""
ACTIONS = (
    "pause",
    "resume",
    "resume",
    "promote",
    "skip",
    "abort",
    "rollback",
    "rollback",
    "approve",
    "approve",
    "reject",
    "retry",
    "freeze",
    "unfreeze",
)
SKEWS = (0.0, 0.0, 0.3, -0.3, 1.0, -1.0)
SECONDS = (1.0, 5.0, 13.0, 20.0, 36.0, 70.0, 300.0)
VERSIONS = ("2", "3", "4", "5")
AMBUSHED = {"store.commit": 40, "hooks.call": 4, "router.read_share": 16, "probe.read_health": 14, "store.load": 60}
"""Calls beside those that move users at which somebody acts just then, and about how many there are in a story."""
EVERY = 16
"""One schedule of so many keeps its documents in their stored form."""
MOVING = (*["router.set_share"] * 4, *["promoter.begin_swap"] * 3, *sorted(CHANGES))
FAULTY = (
    (STORE, 30, 90),
    (SIDE, 12, 25),
    (QUEUE, 10, 25),
    (LOOKS, 12, 25),
    (MOVING, 26, 6),
    (CALLS, 6, 3),
    (HOST, 8, 20),
)
"""Which calls are hit how often, and about how many of each kind there are in a story."""


def draw(seed: int) -> Schedule:
    """Return the schedule of a seed."""
    rng = Random(seed)
    apps = tuple(_recipe(rng) for _ in range(rng.choice((1, 1, 1, 1, 2))))
    storm = rng.choice((420.0, 600.0, 900.0))
    calls = 250 * len(apps)
    workers = rng.choice((1, 2, 2, 3))
    moves = _moves(rng, len(apps), storm, calls)
    ambushes = [_ambush(rng, len(apps)) for _ in range(rng.choice((0, 0, 0, 1, 1, 2)))]
    drawn = Schedule(
        seed=seed,
        apps=apps,
        skews=tuple(rng.choice(SKEWS) for _ in range(workers)),
        latency=rng.choice((0.0, 0.0, 0.02, 0.25)),
        sessions=rng.random() < 0.7,
        real_wire=seed % EVERY == 0,
        moves=(*moves, *(move for move, _ in ambushes)),
        faults=(*_faults(rng), *(fault for _, faults in ambushes for fault in faults), *_spell(rng)),
        switches=_switches(rng, calls),
        storm=storm,
        people_finish=rng.random() < 0.8,
    )
    return under_pressure(with_doubts(with_pushes(with_flags(with_windows(drawn)))))


def with_windows(drawn: Schedule) -> Schedule:
    """Give a schedule of five release windows, which people let it pass and teams change; drawn apart from the rest."""
    rng = Random(f"windows for {drawn.seed}")
    if rng.random() < 0.8:
        return drawn
    calendars = tuple(CALENDARS)[1:]
    apps = tuple(replace(recipe, windows=rng.choice(calendars)) for recipe in drawn.apps)
    moves = []
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        kind, arg = rng.choice((("override", "skip"), ("override", "skip"), ("calendar", rng.choice(tuple(CALENDARS)))))
        at = round(rng.uniform(3, drawn.storm), 1)
        moves.append(Move(kind=kind, at=at, app=rng.randrange(len(apps)), args=(arg,)))
    return replace(drawn, apps=apps, moves=(*drawn.moves, *moves))


def with_flags(drawn: Schedule) -> Schedule:
    """Let targets of one schedule of eight be flags, which people write meanwhile; drawn apart from the rest."""
    rng = Random(f"flags to {drawn.seed}")
    if rng.random() < 0.875:
        return drawn
    apps = tuple(_with_flag(rng, recipe) for recipe in drawn.apps)
    asked = ("save", "save", "save another", "save another", "kill", "revive")
    moves = []
    for _ in range(rng.choice((0, 1, 2, 4, 6))):
        what, app = rng.choice(asked), rng.randrange(len(apps))
        call, at = rng.choice((None, rng.randrange(10, 300))), round(rng.uniform(3, drawn.storm), 1)
        moves.append(
            Move(kind="flag", at=at if call is None else 0.0, call=call, app=app, args=(what, rng.random() < 0.6))
        )
    faults = [_fault(rng, rng.choice(FLAGS), 12) for _ in range(rng.choice((0, 1, 2, 4)))]
    if rng.random() < 0.5:
        ambush, met = _ambush(rng, len(apps), ("flags.commit", "flags.commit", "snapshots.move_head"))
        moves, faults = [*moves, ambush], [*faults, *met]
    return replace(drawn, apps=apps, moves=(*drawn.moves, *moves), faults=(*drawn.faults, *faults))


def with_pushes(drawn: Schedule) -> Schedule:
    """Let what users met be pushed in one schedule of twelve, by senders that are not always well; drawn apart too."""
    rng = Random(f"pushes to {drawn.seed}")
    if rng.random() < 0.92:
        return drawn
    apps = tuple(replace(recipe, pushed=True) for recipe in drawn.apps)
    moves = []
    for _ in range(rng.choice((0, 1, 2, 4))):
        at, how = round(rng.uniform(3, drawn.storm), 1), rng.choice(("silent", "late", "well", "repeat", "repeat"))
        moves.append(Move(kind="sender", at=at, args=(rng.choice(("a", "b")), how)))
    faults = (_fault(rng, rng.choice(PUSHES), 20) for _ in range(rng.choice((0, 1, 2, 4))))
    return replace(drawn, apps=apps, moves=(*drawn.moves, *moves), faults=(*drawn.faults, *faults))


def _with_flag(rng: Random, recipe: Recipe) -> Recipe:
    targets = rng.choice((("flag",), ("flag",), ("web", "flag"), ("app", "flag")))
    strategy = recipe.strategy if recipe.strategy in OF_FLAGS else "short"
    return replace(recipe, targets=targets, strategy=strategy)


def _recipe(rng: Random) -> Recipe:
    strategy = rng.choice((*STRATEGIES, "canary", "short", "short", "short"))
    return Recipe(
        strategy=strategy,
        targets=("route",) if strategy == "audience" else rng.choice(TARGETS),
        hooks=rng.choice(("none", "none", "none", *HOOKS)),
        otherwise=rng.choice(("rollback", "rollback", "pause")),
        when_busy=rng.choice(("queue", "supersede", "reject")),
        on_alert=rng.choice(("rollback", "rollback", "pause", "note")),
        hold_back=rng.choice((0, 0, 5_000, 20_000)),
        warm_minutes=rng.choice((0, 0, 5)),
        notifies=rng.random() < 0.3,
        previews=rng.random() < 0.15,
    )


def _moves(rng: Random, apps: int, storm: float, calls: int) -> tuple[Move, ...]:
    first = [_deploy(rng, app, at=1.0 + app) for app in range(apps)]
    if apps > 1 and rng.random() < 0.5:
        first = [Move(kind="release", at=1.0, args=("2", rng.choice((5, 20))))]
    more = [_move(rng, rng.randrange(apps), storm, calls) for _ in range(rng.choice((0, 1, 2, 3, 4, 6)))]
    again = [move for move in more if move.kind == "override" and rng.random() < 0.2]
    return (*first, *more, *again)


def _deploy(rng: Random, app: int, *, at: float) -> Move:
    version, errors = rng.choice(VERSIONS[:1] if at < 5 else VERSIONS), rng.choice((0.0, 0.0, 0.0, 0.0, 0.5))
    return Move(kind="deploy", at=at, app=app, args=(version, errors, rng.random() < 0.95, rng.random() < 0.7))


def _move(rng: Random, app: int, storm: float, calls: int) -> Move:
    kind, args = _what(rng)
    if rng.random() < 0.5:
        return Move(kind=kind, call=rng.randrange(10, calls), app=app, args=args)
    return Move(kind=kind, at=round(rng.uniform(3, storm), 1), app=app, args=args)


def _what(rng: Random) -> tuple[str, tuple[Arg, ...]]:
    kind = rng.choice(_KINDS)
    match kind:
        case "deploy":
            return kind, (rng.choice(VERSIONS), rng.choice((0.0, 0.0, 0.5)), True, rng.random() < 0.7)
        case "announce":
            return kind, (rng.choice(VERSIONS), rng.random() < 0.5)
        case "override":
            return kind, (rng.choice(ACTIONS),)
        case "alert":
            return kind, (rng.random() < 0.85,)
        case "respec":
            return kind, (rng.choice(("queue", "supersede", "reject")), rng.choice(("rollback", "pause", "note")))
        case "report" | "hooks end":
            return kind, (rng.choice(("succeeded", "succeeded", "failed", "unknown")),)
        case "restart":
            return kind, (rng.randrange(3),)
        case "behave":
            return kind, (rng.choice((0.0, 0.02, 0.5, 1.0)), rng.random() < 0.8)
        case "overwrite":
            return kind, (rng.choice(VERSIONS),)
        case "move by hand":
            return kind, (rng.choice((0, 1_000, 40_000)),)
        case "traffic":
            return kind, (rng.choice((0.0, 0.2, 20.0)),)
        case "steer":
            return kind, (rng.choice(("pause", "resume", "abort", "rollback")),)
        case _:
            return kind, ()


_KINDS = (
    *("deploy", "deploy", "announce", "alert", "alert", "alert", "respec", "report", "hooks end", "hooks end"),
    *("restart", "restart", "behave", "behave", "behave", "overwrite", "move by hand", "traffic", "swap fails"),
    *("forget swaps", "steer", *["override"] * 10),
)


def _faults(rng: Random) -> tuple[Fault, ...]:
    number = rng.choice((0, 1, 2, 3, 5, 8, 12))
    groups = rng.choices(FAULTY, [weight for _, weight, _ in FAULTY], k=number)
    return tuple(_fault(rng, rng.choice(methods), nth) for methods, _, nth in groups)


def _spell(rng: Random) -> tuple[Fault, ...]:
    """Now and then something is unwell for a while."""
    if rng.random() < 0.8:
        return ()
    method = rng.choice(("metrics.read_windows", "metrics.read_windows", "router.set_share", "store.commit"))
    kind = rng.choice(("no data", "broken data", "refuse") if method == "metrics.read_windows" else ("refuse",))
    first = rng.randrange(1, 20)
    return tuple(Fault(method=method, nth=nth, kind=kind) for nth in range(first, first + rng.randrange(3, 9)))


def _ambush(rng: Random, apps: int, at: tuple[str, ...] = (*MOVING, *AMBUSHED)) -> tuple[Move, tuple[Fault, ...]]:
    """Something goes wrong with a call, and just then somebody asks for something else."""
    method = rng.choice(at)
    nth = rng.randrange(1, AMBUSHED.get(method, 5 if method in CHANGES else 8))
    kind = rng.choice(("stall before", "stall before", "late", "stall after", "crash after", "lose answer"))
    if kind not in KINDS[method]:
        kind = "stall before"
    faults = [Fault(method=method, nth=nth, kind="lose lock")] if rng.random() < 0.6 else []
    timed = kind.startswith("stall") or kind == "late"
    faults.append(Fault(method=method, nth=nth, kind=kind, seconds=rng.choice(SECONDS) if timed else 0.0))
    asked = rng.choice((("alert", (True,)), ("alert", (True,)), ("override", (rng.choice(ACTIONS),))))
    move = Move(kind=asked[0], before=f"{method} {nth}", app=rng.randrange(apps), args=asked[1])
    return move, tuple(faults)


def _fault(rng: Random, method: str, nth: int) -> Fault:
    kind = rng.choice(KINDS[method])
    timed = kind.startswith(("stall", "freeze")) or kind in ("late", "delay")
    return Fault(
        method=method, nth=1 + int(rng.random() ** 1.5 * nth), kind=kind, seconds=rng.choice(SECONDS) if timed else 0.0
    )


def _switches(rng: Random, calls: int) -> tuple[int, ...]:
    """Now and then a change of turns, or a time in which turns change at nearly every call."""
    if rng.random() < 0.4:
        return ()
    now_and_then = {rng.randrange(calls) for _ in range(rng.choice((3, 10, 30)))}
    begins = rng.randrange(calls)
    dense = {call for call in range(begins, begins + 60) if rng.random() < 0.8} if rng.random() < 0.5 else set()
    return tuple(sorted(now_and_then | dense))
