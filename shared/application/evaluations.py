"""Answering what flags serve, for the applications that ask on each of their requests."""

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime

from shared.application.allowance import Allowance
from shared.application.collecting import made_to_stay
from shared.application.flag_serving import FlagServer
from shared.application.flag_usage import UsageNotes
from shared.domain.flags.evaluation import ErrorCode, Evaluation
from shared.domain.flags.model import Json
from shared.domain.names import EnvironmentName, FlagKey
from shared.ports.clock import Clock
from shared.ports.flag_usage import ALL_AT_ONCE

MANY = 1_000
"""So many flags are compiled without the collector of garbage; for fewer it is not worth the trouble."""


@dataclass(frozen=True, slots=True)
class Evaluations:
    """Evaluates flags as they are served. Raises `TryLaterError` only while no flag could ever be read."""

    server: FlagServer
    notes: UsageNotes
    clock: Clock
    allowance: Allowance = field(default_factory=Allowance)
    seconds: Callable[[], float] = time.monotonic
    """What the allowance is measured with."""

    def wait_of(self, caller: str) -> float:
        """Return how many seconds this caller has to wait before it may ask; 0: it may."""
        return self.allowance.take(caller, self.seconds())

    def one(self, environment: EnvironmentName, key: FlagKey, context: dict[str, Json]) -> Evaluation | None:
        """Return what this context gets of a flag; None where there is no such flag."""
        served, now = self.server.served(environment), self.clock.now()
        answer = served.ruleset.evaluate(key, context, now=now.timestamp(), region=self.server.region)
        if answer.error is ErrorCode.FLAG_NOT_FOUND:
            return None
        self.notes.note(environment, key, now.date())
        return answer

    def all(
        self, environment: EnvironmentName, context: dict[str, Json]
    ) -> tuple[tuple[Evaluation, ...], datetime | None]:
        """Return what this context gets of every flag, and since when nobody could ask whether the flags changed."""
        served, now = self.server.served(environment), self.clock.now()
        with made_to_stay() if served.ruleset.uncompiled >= MANY else nullcontext():
            answers = served.ruleset.evaluate_all(context, now=now.timestamp(), region=self.server.region)
        self.notes.note(environment, ALL_AT_ONCE, now.date())
        return answers, served.stale_since
