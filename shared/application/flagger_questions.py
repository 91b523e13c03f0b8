"""What Flagger asks in many clusters, answered by the one rollout that governs them all."""

import logging
from dataclasses import dataclass

from shared.application import aggregate as aggregates
from shared.application.accept import Intake, UnknownApplicationError
from shared.domain.names import ApplicationName, application_key
from shared.domain.rollout.commands import Alert
from shared.domain.rollout.flagger import Answer, Kind, Question, answer, is_alarm
from shared.ports.clock import Clock
from shared.ports.rollout_store import RolloutStore

log = logging.getLogger("slipway.flagger")


@dataclass(frozen=True, slots=True)
class FlaggerQuestions:
    """One load a question, and no write: but a cluster's failure goes in as an alert, once."""

    store: RolloutStore
    intake: Intake
    clock: Clock

    def answer(self, application: ApplicationName, question: Question) -> Answer:
        """Answer by what was decided. Raises `UnknownApplicationError`, and `TryLaterError` for an unwell store."""
        state = aggregates.load(self.store, application_key(application)).application
        if state.spec is None:
            raise UnknownApplicationError(f"there is no application {application}: PUT its release spec first")
        if question.kind is Kind.EVENT:
            log.info("%s: %s says: %s", application, question.canary, question.says)
        if is_alarm(state, question):
            self.intake.accept_alert_for(application, self._alarm(question))
        answered = answer(state, question, self.clock.now())
        log.info("%s: %s asks %s: %s, %s", application, question.canary, question.kind, answered.say, answered.why)
        return answered

    def _alarm(self, question: Question) -> Alert:
        return Alert(
            id=question.id,
            fired=True,
            rule="flagger",
            severity="",
            resource=question.canary,
            description=f"the analysis of version {question.version} failed at {question.canary}",
            at=self.clock.now(),
        )
