"""Many applications at once in one worker: real use cases, real embedded store and queue, sites in memory."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any
from uuid import uuid4

from shared.adapters.memory.site import MemorySite
from shared.domain.errors import SlipwayError
from shared.domain.names import ApplicationName, CommandId, Version
from shared.domain.rollout.commands import Action
from shared.domain.rollout.spec import Place, Target
from shared.domain.rollout.weight import NONE, Weight
from shared.wire.spec import parse_spec
from shared.wire.wake_ups import parse_wake_up
from tests.scenario.world import ALERTS, NOON, QUEUE, SITE, SPEC, World


class FleetClock:
    """Stands still until it is started; then it goes on as real time does."""

    def __init__(self) -> None:
        self._time = NOON
        self._began: float | None = None

    def now(self) -> datetime:
        gone = 0.0 if self._began is None else time.monotonic() - self._began
        return self._time + timedelta(seconds=gone)

    @property
    def time(self) -> datetime:
        """The same, as the world asks for it."""
        return self.now()

    def jump(self, span: timedelta) -> None:
        """Be so much later."""
        self._time += span

    def start(self) -> None:
        """Let time pass from now on."""
        self._began = time.monotonic()

    def stop(self) -> None:
        """Stand still again."""
        self._time, self._began = self.now(), None


class WatchedSite:
    """Passes everything on, remembers when the candidate's share of a target became 0, and keeps no list of calls."""

    def __init__(self, inner: MemorySite) -> None:
        self._inner = inner
        self.zeroed: dict[str, float] = {}
        """By the target's resource: the monotonic time."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def set_share(self, target: Target, share: Weight) -> None:
        self._inner.set_share(target, share)
        self._inner.calls.clear()
        if share == NONE:
            self.zeroed.setdefault(target.resource, time.monotonic())


@dataclass(frozen=True, slots=True)
class Turns:
    """When deliveries began, in monotonic time, by the resource that is theirs."""

    of_alert: dict[str, float] = field(default_factory=dict)
    of_application: dict[str, float] = field(default_factory=dict)
    """The first that was under way, or began, after the alert's had begun."""


class Fleet(World):
    """`count` applications, each with a site of its own where version 1 is live and version 2 has been put."""

    def __init__(self, folder: Path, count: int) -> None:
        folder.mkdir(parents=True)
        self.names = tuple(f"app-{number:05d}" for number in range(count))
        super().__init__(folder, spec_of(self.names[0]), clock=FleetClock(), deploy_first=False)
        self.targets: dict[str, Target] = {}
        for name in self.names:
            spec = parse_spec(spec_of(name).encode(), "application/yaml")
            self.targets[name] = spec.targets[0]
            self.app.intake.accept_spec(spec, "bench")
            self.site.deploy(spec.targets[0], Place.PRODUCTION, "1")
            self.site.deploy(spec.targets[0], Place.CANDIDATE, "2")

    def start(self) -> None:
        """Build the app, with an eye on what becomes of the sites."""
        self.site = WatchedSite(self.site)  # type: ignore[assignment]
        super().start()

    def release(self) -> list[float]:
        """Begin a rollout of each application and drive it until it waits; return the seconds that each took."""
        took = []
        for name in self.names:
            began = time.perf_counter()
            command = CommandId(uuid4().hex)
            self.app.intake.accept_deployment(ApplicationName(name), Version("2"), command, "bench")
            self.settle()
            took.append(time.perf_counter() - began)
        assert self.failures == [], self.failures[:3]
        return took

    def order(self, name: str, action: Action) -> None:
        """A person's command is accepted."""
        self.app.intake.accept_override(
            ApplicationName(name), action, reason="", by="bench", command_id=CommandId(uuid4().hex)
        )

    @property
    def zeroed(self) -> dict[str, float]:
        """When a target's share of the candidate became 0 for the first time, by its resource."""
        return self.site.zeroed  # type: ignore[attr-defined, no-any-return]

    @contextmanager
    def workers(self, sessions: int, calls: int, turns: Turns) -> Iterator[None]:
        """Handle what comes in, as a host does, on threads of this process."""
        over = Event()
        threads = [Thread(target=self._serve, args=(self._wake_one, over, turns)) for _ in range(sessions)]
        threads += [Thread(target=self._serve, args=(self._take_alert, over, turns)) for _ in range(calls)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()

    def _serve(self, one: Callable[[str, Turns], bool], over: Event, turns: Turns) -> None:
        while not over.is_set():
            try:
                busy = one(uuid4().hex, turns)
            except SlipwayError as error:
                self.failures.append(error)
                return
            if not busy:
                over.wait(0.02)

    def _wake_one(self, owner: str, turns: Turns) -> bool:
        session = self.broker.accept_next_session(QUEUE, owner)
        if session is None:
            return False
        resource = self.targets[session.removeprefix("application:")].resource
        while (delivery := self.broker.receive(QUEUE, session=session, owner=owner)) is not None:
            began = time.monotonic()
            self.app.wake_ups.handle(parse_wake_up(delivery.body), redelivered=delivery.delivery_count > 1)
            if resource in turns.of_alert:
                turns.of_application.setdefault(resource, began)
            self.broker.complete(delivery)
        self.broker.release_session(QUEUE, session, owner)
        return True

    def _take_alert(self, owner: str, turns: Turns) -> bool:
        delivery = self.broker.receive(ALERTS, owner=owner)
        if delivery is None:
            return False
        (resource,) = json.loads(delivery.body)["data"]["essentials"]["alertTargetIDs"]
        turns.of_alert.setdefault(resource, time.monotonic())
        self.app.events.take_queued("azure-monitor", delivery.body)
        self.broker.complete(delivery)
        return True


def spec_of(name: str) -> str:
    """Return the release spec of one application of the fleet."""
    return SPEC.replace("application: shop", f"application: {name}").replace("sites/shop", f"sites/{name}")


assert SITE in SPEC
