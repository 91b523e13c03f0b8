"""What people and machines are shown of flags and segments, and of their history."""

from datetime import datetime
from functools import cache
from typing import Any

from shared.domain.flags.changes import Change
from shared.domain.flags.evaluation import Evaluation
from shared.domain.flags.explanation import Explanation, Step
from shared.domain.flags.managing.events import FlagDriven, FlagSaved
from shared.domain.flags.managing.fields import SAVED
from shared.domain.flags.managing.segments import SegmentSaved, SegmentState
from shared.domain.flags.managing.state import Distribution, Driver, FlagState, Proposal, ScheduledChange
from shared.domain.flags.model import Flag, Segment, Serve
from shared.domain.flags.stale import staleness_of
from shared.domain.names import EnvironmentName
from shared.wire.flag_documents import read_flag_event, read_segment_event
from shared.wire.flags.document import flag_document
from shared.wire.flags.members import percentage_of
from shared.wire.flags.segment_document import segment_document
from shared.wire.flags.splits import serve_document
from shared.wire.published_flags import PublishedFlag, PublishedSegment
from shared.wire.stored_form import refusing_broken
from shared.wire.views import shown_time


def flag_view(environment: EnvironmentName, state: FlagState, *, proposed: bool = False) -> dict[str, object]:
    """Return a flag with what waits to change it; `proposed` is whether its proposal is what was asked for just now."""
    return {
        "key": state.key,
        "environment": environment,
        "revision": state.revision,
        "changed": _time(state.changed),
        "changed_by": state.changed_by,
        "archived": state.archived,
        "published": not state.effects,
        "driven_by": [_driver(driver) for driver in state.drivers],
        "distribution": _distribution(state),
        "proposed": proposed,
        "proposal": _proposal(state.proposal) if state.proposal is not None else None,
        "scheduled": [_scheduled(change) for change in state.scheduled],
        "flag": flag_document(state.flag) if state.flag is not None else None,
        "links": {"history": f"/api/flag-history/{state.key}?environment={environment}"},
    }


def _driver(driver: Driver) -> dict[str, object]:
    return {
        "rollout": driver.rollout,
        "rule": driver.rule,
        "region": driver.region,
        "candidate": driver.candidate,
        "stable": driver.stable,
        "version": driver.version,
    }


def flag_line(published: PublishedFlag, now: datetime, evaluated: datetime | None) -> dict[str, object]:
    """Return a flag's line in the list, with why it is stale. `evaluated` is when it was last asked for, if ever."""
    flag = published.flag
    return {
        "key": flag.key,
        "type": flag.type,
        "enabled": flag.enabled,
        "killed": flag.killed,
        "owner": flag.owner,
        "tags": list(flag.tags),
        "description": flag.description,
        "expires": _time(flag.expires),
        "revision": published.revision,
        "changed": shown_time(published.changed),
        "changed_by": published.changed_by,
        "driven_by": [] if published.driven_by is None else [published.driven_by],
        "stale": [
            {"why": reason.why, "since": shown_time(reason.since), "variant": reason.variant}
            for reason in staleness_of(flag, changed=published.changed, evaluated=evaluated, now=now)
        ],
    }


def segment_view(environment: EnvironmentName, state: SegmentState, used_by: tuple[str, ...]) -> dict[str, object]:
    """Return a segment, and who asks for it."""
    return {
        "key": state.key,
        "environment": environment,
        "revision": state.revision,
        "changed": _time(state.changed),
        "changed_by": state.changed_by,
        "published": not state.effects,
        "used_by": list(used_by),
        "segment": segment_document(state.segment) if state.segment is not None else None,
        "links": {"history": f"/api/segments/{state.key}/history?environment={environment}"},
    }


def segment_line(published: PublishedSegment) -> dict[str, object]:
    """Return a segment's line in the list."""
    return {
        "key": published.segment.key,
        "description": published.segment.description,
        "revision": published.revision,
        "changed": shown_time(published.changed),
        "changed_by": published.changed_by,
    }


def flag_history_line(sequence: int, document: str) -> dict[str, object]:
    """Return a stored event as a line: `sequence`, `type`, `at` and the event's own fields.

    A whole flag is not repeated there: `revision` names it, and it can be read and restored by that.
    """
    event = read_flag_event(document)
    with refusing_broken("a stored line of history"):
        fields: dict[str, object] = _converter().unstructure(event)
    if isinstance(event, FlagDriven):
        fields["weight"] = percentage_of(event.weight)
    return {"sequence": sequence, "type": type(event).__name__, **fields}


def segment_history_line(sequence: int, document: str) -> dict[str, object]:
    """Return a stored event of a segment as a line."""
    event = read_segment_event(document)
    with refusing_broken("a stored line of history"):
        fields: dict[str, object] = _converter().unstructure(event)
    return {"sequence": sequence, "type": type(event).__name__, **fields}


def evaluation_view(evaluation: Evaluation) -> dict[str, object]:
    """Return what a flag answered."""
    return {
        "variant": evaluation.variant,
        "value": evaluation.value,
        "reason": evaluation.reason,
        "because": evaluation.because,
        "error": evaluation.error,
    }


def change_view(change: Change) -> dict[str, object]:
    """Return how many of a sample go from one variant to another, with a few of them."""
    return {
        "before": change.before or None,
        "after": change.after or None,
        "count": change.count,
        "examples": [
            {
                "context": example.context,
                "before": evaluation_view(example.before),
                "after": evaluation_view(example.after),
            }
            for example in change.examples
        ],
    }


def explanation_view(explanation: Explanation) -> dict[str, object]:
    """Return what a context gets of a flag, and each question that led to it."""
    return {
        "flag": explanation.evaluation.flag,
        **evaluation_view(explanation.evaluation),
        "steps": [_step(step) for step in explanation.steps],
    }


def _step(step: Step) -> dict[str, object]:
    return {
        "asked": step.asked,
        "path": step.path,
        "outcome": step.outcome,
        "found": step.found,
        "place": step.place,
        "words": step.words,
        "steps": [_step(inner) for inner in step.steps],
    }


def _distribution(state: FlagState) -> dict[str, object] | None:
    """Return how the flag stands in the product outside; None where it was never to be brought to one."""
    if state.distribution is None and not state.distributing:
        return None
    known = state.distribution or Distribution()
    return {
        "pending": bool(state.distributing),
        "revision": known.revision or None,
        "at": _time(known.at),
        "notes": list(known.notes),
        "attempts": known.attempts,
        "last_error": known.error or None,
        "since": _time(known.since),
        "again": _time(known.again) if state.distributing else None,
    }


def _proposal(proposal: Proposal) -> dict[str, object]:
    return {
        "id": proposal.id,
        "by": proposal.by,
        "why": proposal.why,
        "at": shown_time(proposal.at),
        "revision": proposal.revision,
        "fields": _fields(proposal.fields),
        "archives": proposal.flag is None,
        "effective": _time(proposal.effective),
        "restored": proposal.restored,
        "approvals": [{"by": each.by, "at": shown_time(each.at)} for each in proposal.approvals],
        "flag": flag_document(proposal.flag) if proposal.flag is not None else None,
    }


def _scheduled(change: ScheduledChange) -> dict[str, object]:
    return {
        "id": change.id,
        "by": change.by,
        "why": change.why,
        "made": shown_time(change.made),
        "at": shown_time(change.at),
        "revision": change.revision,
        "fields": _fields(change.fields),
        "flag": flag_document(change.flag),
    }


def _fields(names: tuple[str, ...]) -> list[str]:
    """Return the names in the order of the document."""
    return [name for name in SAVED if name in names]


def _time(at: datetime | None) -> str | None:
    return shown_time(at) if at is not None else None


@cache
def _converter() -> Any:
    from cattrs.gen import make_dict_unstructure_fn, override
    from cattrs.preconf.json import make_converter

    converter: Any = make_converter()
    converter.register_unstructure_hook(datetime, shown_time)
    converter.register_unstructure_hook(Flag, flag_document)
    converter.register_unstructure_hook(Segment, segment_document)
    converter.register_unstructure_hook_func(lambda kind: kind == Serve, serve_document)
    converter.register_unstructure_hook(Proposal, _proposal_line)
    converter.register_unstructure_hook(ScheduledChange, _scheduled_line)
    for kind, whole in ((FlagSaved, "flag"), (SegmentSaved, "segment")):
        left_out: Any = {whole: override(omit=True)}
        hook = make_dict_unstructure_fn(kind, converter, **left_out)
        converter.register_unstructure_hook(kind, hook)
    return converter


def _proposal_line(proposal: Proposal) -> dict[str, object]:
    return {name: value for name, value in _proposal(proposal).items() if name not in ("flag", "approvals")}


def _scheduled_line(change: ScheduledChange) -> dict[str, object]:
    return {name: value for name, value in _scheduled(change).items() if name != "flag"}
