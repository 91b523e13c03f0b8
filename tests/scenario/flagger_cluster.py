"""A cluster that runs Flagger: asks its webhooks as Flagger 1.44 does, in its order, and moves weights by the answers.

After `advanceCanary`, `runCanary`, `rollback` and `callWebhook` of Flagger's controller: a body goes out as JSON, any
status up to 202 is yes, and only the phase, the weight and the count of failed checks are remembered between looks.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from functions.callbacks import reply_to
from shared.application.accept import UnknownApplicationError
from shared.domain.errors import SlipwayError
from shared.domain.rollout.flagger import Kind
from shared.wire.flagger_questions import parse_question
from shared.wire.problems import NOT_FOUND, problem, problem_of
from tests.scenario.world import SHOP, World

LONGEST_YES = 202


@dataclass(kw_only=True)
class Cluster:
    """One Canary in one cluster; `look` is one interval of its analysis."""

    world: World
    name: str
    weights: tuple[int, ...]
    wave: int = 1
    threshold: int = 5
    is_healthy: Callable[[], bool] = lambda: True
    """Whether the metrics that the cluster checks itself are within their limits."""
    primary: str = "1"
    target: str = "1"
    phase: str = "Initialized"
    weight: int = 0
    failed_checks: int = 0
    asked: list[tuple[Kind, int]] = field(default_factory=list)
    analysed: str = "1"
    """What the analysis that was begun last is, or was, about."""

    def look(self) -> None:
        if self.phase in ("Initialized", "Succeeded", "Failed", "Waiting"):
            self._begin()
        elif self.phase in ("Progressing", "WaitingPromotion"):
            self._analyse()
        elif self.phase == "Promoting":
            self.primary, self.weight, self.phase = self.target, 0, "Finalising"
        elif self.phase == "Finalising":
            self.phase = "Succeeded"
            self._ask(Kind.POST_ROLLOUT, "Succeeded")

    def count(self, kind: Kind) -> int:
        return sum(asked is kind for asked, _ in self.asked)

    def _begin(self) -> None:
        if self.target == self.analysed:
            return
        if not self._ask(Kind.CONFIRM_ROLLOUT):
            self.phase = "Waiting"
            return
        self.phase, self.analysed, self.weight, self.failed_checks = "Progressing", self.target, 0, 0
        self._event("New revision detected! Scaling up")

    def _analyse(self) -> None:
        if self.target != self.analysed:
            self.phase, self.analysed, self.weight, self.failed_checks = "Progressing", self.target, 0, 0
            return
        if self._ask(Kind.ROLLBACK) or self.failed_checks >= self.threshold:
            self._roll_back()
            return
        if not (self._ask(Kind.PRE_ROLLOUT) if self.weight == 0 else self._ask(Kind.ROLLOUT) and self.is_healthy()):
            self.failed_checks += 1
            return
        if self.phase == "Progressing" and not self._ask(Kind.CONFIRM_TRAFFIC_INCREASE):
            return
        if self.weight < self.weights[-1]:
            self.weight = next(step for step in self.weights if step > self.weight)
            self._event(f"Advance canary weight {self.weight}")
        elif self._ask(Kind.CONFIRM_PROMOTION):
            self.phase, self.primary = "Promoting", self.target
        else:
            self.phase = "WaitingPromotion"

    def _roll_back(self) -> None:
        self.weight, self.phase = 0, "Failed"
        self._event("Canary failed! Scaling down")
        self._ask(Kind.POST_ROLLOUT, "Failed")

    def _event(self, message: str) -> None:
        self._ask(Kind.EVENT, eventMessage=message, eventType="Normal", timestamp="1578607635167")

    def _ask(self, kind: Kind, phase: str | None = None, **more: str) -> bool:
        metadata = {"version": self.target, "maxWeight": str(self.weights[-1]), "wave": str(self.wave), **more}
        document: dict[str, Any] = {
            "name": "shop",
            "namespace": "web",
            "phase": phase or self.phase,
            "checksum": f"of-{self.target}",
            "metadata": metadata | {"cluster": self.name},
        }
        status = self._status(kind, json.dumps(document).encode())
        self.asked.append((kind, status))
        return status <= LONGEST_YES

    def _status(self, kind: Kind, body: bytes) -> int:
        """What the trigger would answer; the world has no HTTP."""
        try:
            return reply_to(self.world.app.flagger.answer(SHOP, parse_question(kind, body))).status
        except UnknownApplicationError:
            return problem(NOT_FOUND)[0]
        except SlipwayError as error:
            return problem_of(error)[0]
