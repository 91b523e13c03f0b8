"""Defects that are sown on purpose: each takes one safeguard away, and the search must find what that one was for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from shared.application import drive
from shared.application.door import Door
from shared.application.drive import Driver
from shared.domain.rollout import decide, evolve, guarding, moving_on, needs, on_alert, preflight, settle
from shared.domain.rollout.folds import beginning, going_back
from shared.domain.rollout.state import TargetState
from tests.simulation.model import faulty
from tests.simulation.model.kept import Kept
from tests.simulation.model.moves import Faults


@dataclass(frozen=True, slots=True)
class Defect:
    """What is taken away, where, and which scenario and faults are enough to see it."""

    name: str
    where: tuple[Any, ...]
    """Each place that knows it by its name."""
    what: str
    instead: Callable[[Any], Any]
    """Makes the faulty version from the sound one."""
    scenario: str
    faults: Faults
    says: str
    """A part of what the search says of it."""

    @contextmanager
    def sown(self) -> Iterator[None]:
        """Let the code have this defect for a while."""
        sound = getattr(self.where[0], self.what)
        for place in self.where:
            setattr(place, self.what, self.instead(sound))
        try:
            yield
        finally:
            for place in self.where:
                setattr(place, self.what, sound)


ALERT = "it starts, and an alert fires"
DEPLOYED = "it is deployed"
HURTS = "it is deployed, and hurts its users after a while"
SKIP = "a step passes, one person skips it, another one takes it back"
PAUSE = "a person pauses, another one resumes"
DEFECTS = (
    Defect(
        "a change is committed whatever stands there",
        (Kept,),
        "commit",
        faulty.commit_without_etag,
        ALERT,
        Faults(),
        "version does not grow",
    ),
    Defect(
        "one command id is taken in twice",
        (Kept,),
        "accept",
        faulty.accept_twice,
        "it succeeds, and an alert fires twice",
        Faults(),
        "still waits, and history tells of it 1 times",
    ),
    Defect(
        "the sweep's marker is closed before the work is done",
        (Driver,),
        "_go_on",
        faulty.close_before_the_work,
        PAUSE,
        Faults(),
        "no marker says so",
    ),
    Defect(
        "an effect is performed before its commit",
        (Driver,),
        "_commit",
        faulty.perform_before_the_commit,
        ALERT,
        Faults(crashes=1),
        "were proven",
    ),
    Defect(
        "an answer counts though somebody else holds the row by now",
        (drive._Delivery,),
        "forget_lost",
        faulty.keep_every_answer,
        ALERT,
        Faults(locks=1),
        "does not hold it",
    ),
    Defect(
        "the marker is closed while a rollout goes on",
        (Driver,),
        "_tidy",
        faulty.close_whatever_is_open,
        PAUSE,
        Faults(),
        "no marker says so",
    ),
    Defect(
        "a wake-up that came counts as one that will come",
        (drive,),
        "without",
        faulty.forget_no_fence,
        ALERT,
        Faults(),
        "nothing wakes it in time",
    ),
    Defect(
        "a fact is accepted without an open marker",
        (Door,),
        "accept",
        faulty.wake_before_it_is_stored,
        ALERT,
        Faults(),
        "no marker says so",
    ),
    Defect(
        "the next wake-up is not sent",
        (Driver,),
        "_schedule",
        faulty.forget_the_next_wake_up,
        ALERT,
        Faults(),
        "nothing wakes it in time",
    ),
    Defect(
        "a rollback ends while a dead worker's call may still land",
        (settle, needs),
        "quiet_at",
        faulty.end_without_waiting,
        ALERT,
        Faults(crashes=1),
        "no rollout is live",
    ),
    Defect(
        "a step passes without a healthy window",
        (moving_on,),
        "_is_healthy",
        faulty.pass_while_it_bakes,
        DEPLOYED,
        Faults(),
        "without a good window",
    ),
    Defect(
        "whoever was well once is looked at no more",
        (guarding,),
        "_judge",
        faulty.look_until_it_is_well,
        HURTS,
        Faults(),
        "without a good window",
    ),
    Defect(
        "everything counts as proven at first",
        (beginning,),
        "weight_after",
        faulty.prove_all_at_first,
        DEPLOYED,
        Faults(),
        "count as proven",
    ),
    Defect(
        "a rollout begins with its second step",
        (preflight,),
        "enter_step",
        faulty.begin_with_the_second,
        DEPLOYED,
        Faults(),
        "are wanted at the candidate; 50 % are allowed",
    ),
    Defect(
        "whoever skips a step sends everyone on",
        (evolve,),
        "step_entered",
        faulty.send_everyone_on,
        SKIP,
        Faults(),
        "100 % of the users of web are wanted at the candidate; 50 % are allowed",
    ),
    Defect(
        "routers are told more than was decided",
        (TargetState,),
        "share",
        faulty.send_twice_as_many,
        DEPLOYED,
        Faults(),
        "100 % of the users of web are sent to the candidate's place; 50 % were proven",
    ),
    Defect(
        "a rollback leaves the weight as it is",
        (going_back,),
        "new_level",
        faulty.keep_the_weight,
        SKIP,
        Faults(),
        "are wanted at the candidate; 0 % are allowed",
    ),
    Defect(
        "what a release opens is taken in and stays shut",
        (decide,),
        "decide_steer",
        faulty.heed_no_release,
        "a release opens a stage of its member, and a person aborts",
        Faults(),
        "what it opened is not open",
    ),
    Defect(
        "an alert is only noted",
        (on_alert,),
        "_action",
        faulty.only_note_it,
        ALERT,
        Faults(),
        "it goes on",
    ),
    Defect(
        "a pause is written down and holds nothing",
        (evolve,),
        "rollout_paused",
        faulty.change_nothing,
        PAUSE,
        Faults(),
        "pause of ann is taken in, and not done",
    ),
    Defect(
        "who met a conflict sends no wake-up",
        (Driver,),
        "_rest",
        faulty.send_none_after_a_conflict,
        DEPLOYED,
        Faults(locks=1),
        "nothing wakes it in time",
    ),
)
