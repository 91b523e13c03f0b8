"""The scenarios: where the application stands, what is asked then, and what may go wrong."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.domain.names import CommandId, ReleaseId, RolloutId, Version
from shared.domain.rollout.commands import Action, Deploy, Steer
from shared.domain.rollout.membership import END, Membership
from shared.domain.rollout.state import Application, Doing
from tests.simulation.model.documents import remembered_documents, text_of
from tests.simulation.model.laws import Laws
from tests.simulation.model.lines import application_in
from tests.simulation.model.moves import Faults, Moves, State
from tests.simulation.model.search import Found, Search
from tests.simulation.model.site import Site
from tests.simulation.model.wiring import (
    NOON,
    Alarmed,
    Asked,
    Deployed,
    Registered,
    Request,
    Told,
    build_app,
    work,
)
from tests.simulation.model.workers import Workers, watched_workers
from tests.simulation.model.world import World

HORIZON = NOON + timedelta(minutes=100)
"""After the end of everything that does not wait for a person."""
SPEC = """
application: shop
targets: TARGETS
strategy:
  canary:
    steps: [STEPS]
    bake: {min: LEAST, max: 30m}
metrics: {window: 1m, lag: 0s}
keepWarm: 1s
whenBusy: supersede
guards:
  - {name: errors, metric: error-rate, max: 5%, over: 1m, minimumRequests: 20}
"""
TARGET = """
  - name: NAME
    kind: app-service-slot
    slot: candidate
    resource: /subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.Web/sites/NAME"""
MEMBER = Membership(release=ReleaseId("whole-1"), rollout=RolloutId("shop-member"), patience=timedelta(hours=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One row of the table."""

    name: str
    requests: dict[str, Request]
    begins: dict[str, Request]
    """What was asked before, of one worker without a fault."""
    is_there: Callable[[Application], bool] = lambda _: True
    """Where the application stands then, when its next wake-up is due."""
    steps: str = "50"
    least: str = "1m"
    """How long each step bakes at least."""
    targets: tuple[str, ...] = ("web",)
    candidate: str = ""
    """What CI has put into the candidate's place by then; empty: nothing."""
    hurts_after: timedelta | None = None
    """How long after that half of the candidate's requests fail; None: they never do."""

    @property
    def spec(self) -> str:
        """The release spec."""
        targets = "".join(TARGET.replace("NAME", each) for each in self.targets)
        return SPEC.replace("STEPS", self.steps).replace("LEAST", self.least).replace("TARGETS", targets)

    @property
    def sites(self) -> tuple[Site, ...]:
        """What is outside before anything happens."""
        return tuple(Site(since=NOON, name=each) for each in self.targets)

    def prepared(self, sites: tuple[Site, ...], now: datetime) -> tuple[Site, ...]:
        """Return the sites as they are when the requests come."""
        hurts_from = None if self.hurts_after is None else now + self.hurts_after
        return tuple(replace(each, candidate=self.candidate or each.candidate, hurts_from=hurts_from) for each in sites)


def _doing(doing: Doing) -> Callable[[Application], bool]:
    return lambda state: state.live is not None and state.live.doing is doing


DEPLOY: dict[str, Request] = {"deploy": Deployed(version="2", id="deploy-2")}
ALERT: dict[str, Request] = {"alert": Alarmed(id="alert-1")}
MEMBER_DEPLOYS: dict[str, Request] = {
    "member": Told(
        command=Deploy(
            id=CommandId("member-2"),
            rollout=MEMBER.rollout,
            version=Version("2"),
            source="release whole-1",
            membership=MEMBER,
        )
    )
}
OPENS = Steer(id=CommandId("steer-1"), membership=MEMBER, opened=END, back_as=RolloutId("shop-back"))
STAGE: dict[str, Request] = {"stage": Told(command=OPENS)}
SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario(name="it is deployed", begins={}, requests=DEPLOY),
        Scenario(
            name="three facts come while nothing is live",
            begins={},
            requests={
                **ALERT,
                "another alert": Alarmed(id="alert-2"),
                "freeze": Asked(action=Action.FREEZE, id="ann"),
            },
        ),
        Scenario(name="it starts, and an alert fires", begins={}, requests={**DEPLOY, **ALERT}),
        Scenario(
            name="it starts at two targets, and an alert fires",
            begins={},
            requests={**DEPLOY, **ALERT},
            targets=("web", "west"),
        ),
        Scenario(
            name="it is deployed, and hurts its users after a while",
            begins={},
            requests=DEPLOY,
            least="2m",
            hurts_after=timedelta(minutes=1),
        ),
        Scenario(
            name="it is deployed twice under one id, and an alert fires",
            begins={},
            requests={**DEPLOY, "deploy again": Deployed(version="2", id="deploy-2"), **ALERT},
        ),
        Scenario(
            name="a step passes, a person takes it back, and an alert fires",
            begins=DEPLOY,
            is_there=_doing(Doing.BAKING),
            requests={"rollback": Asked(action=Action.ROLLBACK, id="ann"), **ALERT},
        ),
        Scenario(
            name="a step passes, one person skips it, another one takes it back",
            begins=DEPLOY,
            is_there=_doing(Doing.BAKING),
            requests={
                "skip": Asked(action=Action.SKIP, id="ann"),
                "rollback": Asked(action=Action.ROLLBACK, id="bob"),
            },
            steps="20, 50",
        ),
        Scenario(
            name="it is swapped, a person aborts, and an alert fires",
            begins=DEPLOY,
            is_there=_doing(Doing.SWAPPING),
            requests={"abort": Asked(action=Action.ABORT, id="ann"), **ALERT},
        ),
        Scenario(
            name="it succeeds, and an alert fires twice",
            begins=DEPLOY,
            is_there=lambda state: state.live is not None and state.live.doing is Doing.BAKING and state.live.step > 0,
            requests={**ALERT, "alert again": Alarmed(id="alert-1")},
        ),
        Scenario(
            name="a newer version comes, and an alert fires",
            begins=DEPLOY,
            is_there=_doing(Doing.BAKING),
            requests={"deploy 3": Deployed(version="3", id="deploy-3"), **ALERT},
            candidate="3",
        ),
        Scenario(
            name="a person pauses, another one resumes",
            begins=DEPLOY,
            is_there=_doing(Doing.BAKING),
            requests={
                "pause": Asked(action=Action.PAUSE, id="ann"),
                "resume": Asked(action=Action.RESUME, id="bob"),
            },
        ),
        Scenario(
            name="a release opens a stage of its member, and a person aborts",
            begins=MEMBER_DEPLOYS,
            is_there=_doing(Doing.AWAITING_RELEASE),
            requests={**STAGE, "abort": Asked(action=Action.ABORT, id="ann")},
        ),
        Scenario(
            name="a release opens a stage of its member, and takes it back",
            begins=MEMBER_DEPLOYS,
            is_there=_doing(Doing.AWAITING_RELEASE),
            requests={
                **STAGE,
                "back": Told(command=replace(OPENS, id=CommandId("steer-2"), back="till failed", ends="aborted")),
            },
        ),
    )
}


@contextmanager
def quiet() -> Iterator[None]:
    """Let the use cases log nothing: millions of lines would say what a trace says better."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def check(scenario: Scenario, faults: Faults, *, at_most: int = 10_000_000, without: tuple[str, ...] = ()) -> Found:
    """Search a scenario; `without` leaves some of its requests out."""
    with quiet(), remembered_documents(), watched_workers(text_of):
        asked = {name: each for name, each in scenario.requests.items() if name not in without}
        known = {**scenario.begins, **asked}
        laws = Laws(known)
        moves = Moves(Workers(work(build_app())), known, laws, horizon=HORIZON)
        world = moves.alone(World(now=NOON, sites=scenario.sites), Registered(scenario.spec))
        first = _at_rest(moves, world)
        if scenario.begins:
            first = _led_to(moves, replace(first.world, requests=tuple(scenario.begins)), scenario.is_there)
        sites = scenario.prepared(first.world.sites, first.world.now)
        begun = replace(first.world, sites=sites, requests=tuple(sorted(asked)))
        return Search(moves, laws).run(State(begun, (None, None), faults), at_most=at_most)


def _at_rest(moves: Moves, world: World) -> State:
    """Let one worker do all that there is to do, until nothing is left: no message, and no marker."""
    state = State(world, (None, None), Faults())
    while (following := next(moves.steps(state), None)) is not None:
        state = following[1]
    return state


def _led_to(moves: Moves, world: World, is_there: Callable[[Application], bool]) -> State:
    """Let one worker do what is due, first come first served, until a wake-up is due there."""
    state = State(world, (None, None), Faults())
    while True:
        application, now = application_in(state.world.shop), state.world.now
        is_due = any(message.due <= now for message in state.world.queue)
        if application is not None and not any(state.workers) and is_due and is_there(application):
            return state
        state = next(after for _, after in moves.steps(state))
