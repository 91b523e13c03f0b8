"""Stored forms: written and read back, kept readable for later releases, and refused clearly where they cannot be."""

import json
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.analysis.guards import Ratio, Test, Worse
from shared.domain.cron import Cron
from shared.domain.errors import NewerReleaseError, RejectedError
from shared.domain.rollout.commands import Accepted
from shared.domain.rollout.effects import Effect
from shared.domain.rollout.events import Event, Recorded, Silent, SpecAccepted
from shared.domain.rollout.evolve import evolve
from shared.domain.rollout.measuring import AzureMonitorSource, Measuring, Source, Unit, ValueKind, ValueQuery
from shared.domain.rollout.spec import Judging
from shared.domain.rollout.state import Application
from shared.wire.documents import (
    Alarm,
    Answer,
    Envelope,
    read_accepted,
    read_answer,
    read_envelope,
    read_event,
    read_rollout,
    write_accepted,
    write_answer,
    write_effect,
    write_envelope,
    write_event,
    write_rollout,
)
from shared.wire.stored_form import SCHEMA
from tests.unit.domain.specs import ERRORS, NOON, SHOP, spec
from tests.unit.domain.tales import TALES

GOLDEN = Path(__file__).parents[2] / "golden"
ACCEPTED = sorted(GOLDEN.glob("schema-*/accepted-*.json"))
HISTORIES = sorted(set(GOLDEN.glob("schema-*/*.json")) - set(ACCEPTED))

TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - given a zone
SPANS = st.integers(0, 10**9).map(lambda milliseconds: timedelta(milliseconds=milliseconds))
FIGURES = st.floats(allow_nan=False)
st.register_type_strategy(datetime, TIMES)
st.register_type_strategy(timedelta, SPANS)
st.register_type_strategy(float, FIGURES)
st.register_type_strategy(Cron, st.sampled_from([Cron("0 9 * * mon-fri"), Cron("*/30 8-11 1,15 jan *")]))


@cache
def values(kind: Any) -> st.SearchStrategy:
    """Return values of a dataclass with small tuples in them, so that big ones are made fast."""
    return st.from_type(kind)


def text_of(document: object) -> str:
    return json.dumps(document)


@pytest.mark.parametrize("kind", get_args(Event), ids=lambda kind: kind.__name__)
@settings(max_examples=6, deadline=None)
@given(st.data())
def test_every_event_is_read_back_as_it_was_written(kind, data):
    event = data.draw(values(kind))
    assert read_event(write_event(event)) == event


def accepted(spec: Any) -> SpecAccepted:
    return SpecAccepted(spec=spec, by="ci", at=NOON)


@pytest.mark.parametrize("kind", get_args(Test), ids=lambda kind: kind.__name__)
@settings(max_examples=20, deadline=None)
@given(st.data())
def test_a_guard_is_read_back_with_the_test_that_it_was_written_with(kind, data):
    guard = replace(ERRORS, test=data.draw(values(kind)), of="paid", critical=True, notify_only=True)
    event = accepted(spec(guards=(guard, ERRORS)))
    assert read_event(write_event(event)) == event
    assert json.loads(write_event(event))["value"]["spec"]["guards"][0]["test"]["type"] == kind.__name__


@pytest.mark.parametrize("kind", get_args(Source), ids=lambda kind: kind.__name__)
@settings(max_examples=20, deadline=None)
@given(st.data())
def test_a_spec_is_read_back_with_the_source_that_it_was_written_with(kind, data):
    asked = ValueQuery(name="paid", kind=ValueKind.COUNTER, query="paid_total", of="carts_total", unit=Unit.PPM)
    measuring = Measuring(window=timedelta(seconds=15), source=data.draw(values(kind)), values=(asked,))
    event = accepted(replace(spec(), measuring=measuring))
    assert read_event(write_event(event)) == event
    envelope = Envelope(application=evolve(Application(name=SHOP), event))
    assert read_envelope(write_envelope(envelope)) == envelope


def test_a_spec_that_an_earlier_release_stored_means_what_it_meant():
    """Written before there were sources, judgements and ways to be worse: they have their defaults."""
    [line] = [line for line in promoted_step_by_step() if line["value"]["type"] == "SpecAccepted"]
    stored = line["value"]["spec"]
    assert not {"judging", "source", "worse", "of", "critical"} & names_in(stored)

    read = read_event(text_of(line)).spec

    assert read.measuring == Measuring(source=AzureMonitorSource(), values=())
    assert read.judging == Judging()
    assert read.guards[1].test == Ratio(maximum=1.5, slack=0.01, worse=Worse.HIGHER)
    assert [(guard.of, guard.critical, guard.notify_only) for guard in read.guards] == [("", False, False)] * 2


def promoted_step_by_step() -> list[Any]:
    path = GOLDEN / "schema-1" / "promoted-step-by-step.json"
    return json.loads(path.read_text(encoding="utf-8"))["events"]


def names_in(value: Any) -> set[str]:
    inside = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return set(value if isinstance(value, dict) else ()).union(*(names_in(each) for each in inside))


@pytest.mark.parametrize("kind", get_args(Accepted), ids=lambda kind: kind.__name__)
@settings(max_examples=20, deadline=None)
@given(st.data())
def test_every_accepted_fact_is_read_back_as_it_was_written(kind, data):
    fact = data.draw(values(kind))
    assert read_accepted(write_accepted(fact)) == fact


@settings(max_examples=20, deadline=None)
@given(values(Answer))
def test_every_answer_is_read_back_as_it_was_written(answer):
    assert read_answer(write_answer(answer)) == answer


def test_an_answer_that_an_earlier_release_stored_is_read():
    stored = '{"schema": 1, "value": {"rollout": "shop-1", "version": "2", "new": true}}'
    assert read_answer(stored) == Answer(rollout="shop-1", version="2", new=True)


@pytest.mark.parametrize("kind", get_args(Effect), ids=lambda kind: kind.__name__)
@settings(max_examples=20, deadline=None)
@given(st.data())
def test_every_effect_is_written_under_its_name(kind, data):
    document = json.loads(write_effect(data.draw(values(kind))))
    assert (document["schema"], document["value"]["type"]) == (SCHEMA, kind.__name__)


@pytest.mark.parametrize("tale", TALES)
def test_every_state_that_a_rollout_goes_through_is_read_back_as_it_was_written(tale):
    story = TALES[tale]()
    application = Application(name=SHOP)
    for event in story.events:
        application = evolve(application, event)
        envelope = Envelope(application=application, version=3, alarms=(Alarm("f", NOON),))
        assert read_envelope(write_envelope(envelope)) == envelope
    final = Envelope(application=story.state)
    assert read_envelope(write_envelope(final)) == final
    for rollout in story.archived:
        assert read_rollout(write_rollout(rollout)) == rollout


def test_a_text_in_any_script_is_kept():
    envelope = Envelope(application=replace(Application(name=SHOP), name="läden-日本-😀"))
    assert read_envelope(write_envelope(envelope)) == envelope


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_history_that_an_earlier_release_stored_leads_to_the_state_that_it_stored(path):
    document = json.loads(path.read_text(encoding="utf-8"))
    state = read_envelope(text_of(document["before"])).application
    for line in document["events"]:
        state = evolve(state, read_event(text_of(line)))

    after = read_envelope(text_of(document["after"]))

    outbox = {"effects": after.application.effects, "effects_made": after.application.effects_made}
    replayed = json.loads(write_envelope(Envelope(application=replace(state, **outbox))))
    stored = without_old_evidence(document["after"]["value"]["application"])
    assert_holds(replayed["value"]["application"], stored)
    assert [alarm.fence for alarm in after.alarms] == ["7", "8"]


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_an_earlier_release_stored_is_stored_again_without_loss(path):
    document = json.loads(path.read_text(encoding="utf-8"))
    for line in document["events"]:
        event = read_event(text_of(line))
        assert read_event(write_event(event)) == event
        assert_holds(json.loads(write_event(event)), line)
    for line in document["archived"]:
        assert_holds(json.loads(write_rollout(read_rollout(text_of(line)))), line)
    assert_holds(json.loads(write_envelope(read_envelope(text_of(document["after"])))), document["after"])


@pytest.mark.parametrize("path", ACCEPTED, ids=lambda path: path.parent.name)
def test_a_fact_that_an_earlier_release_accepted_is_read(path):
    for line in json.loads(path.read_text(encoding="utf-8"))["accepted"]:
        assert_holds(json.loads(write_accepted(read_accepted(text_of(line)))), line)


def assert_holds(now: Any, then: Any) -> None:
    """Everything that was stored is there still; a newer release may add fields."""
    if isinstance(then, dict):
        assert now.keys() >= then.keys()
        for key, value in then.items():
            assert_holds(now[key], value) if key != "baseline" else assert_baseline_holds(now[key], value)
    elif isinstance(then, list):
        assert len(now) == len(then)
        for one, other in zip(now, then, strict=True):
            assert_holds(one, other)
    else:
        assert now == then


def without_old_evidence(stored: Any) -> Any:
    """Leave out what was gathered before baselines were learnt: it is read, but other facts end it now."""
    if isinstance(stored, list):
        return [without_old_evidence(each) for each in stored]
    if not isinstance(stored, dict):
        return stored
    return {name: without_old_evidence(value) for name, value in stored.items() if not is_old_evidence(name, value)}


def is_old_evidence(name: str, value: Any) -> bool:
    return name == "analysis" and (value["baseline"] is None or "failures" in value["baseline"])


def assert_baseline_holds(now: Any, then: Any) -> None:
    """What an earlier release knew of the stable version, nothing or its counts, is kept among what is learnt now."""
    if then is None:
        assert now["pooled"] is None
    else:
        assert_holds(now["pooled"] if "failures" in then else now, then)


def golden_types(field: str) -> set[str]:
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in (*HISTORIES, *ACCEPTED)]
    return {line["value"]["type"] for document in documents for line in document.get(field, ())}


def test_every_event_effect_and_fact_has_a_golden_document():
    assert {kind.__name__ for kind in get_args(Event)} == golden_types("events")
    assert {kind.__name__ for kind in get_args(Effect)} == golden_types("effects")
    assert {kind.__name__ for kind in get_args(Accepted)} == golden_types("accepted")


def test_every_tale_has_a_golden_history():
    assert set(TALES) <= {path.stem for path in HISTORIES}, "run: python -m tests.golden.record"


def test_an_event_is_recorded_or_silent_and_never_both():
    assert set(get_args(Event)) == set(get_args(Recorded)) | set(get_args(Silent))
    assert not set(get_args(Recorded)) & set(get_args(Silent))


@pytest.mark.parametrize("kind", get_args(Event), ids=lambda kind: kind.__name__)
def test_every_event_says_when(kind):
    assert is_dataclass(kind)
    assert "at" in {field.name for field in fields(kind)}


READERS = (read_envelope, read_event, read_accepted, read_answer, read_rollout)


@pytest.mark.parametrize("read", READERS)
def test_a_document_of_a_newer_release_is_refused_clearly(read):
    with pytest.raises(NewerReleaseError, match="schema 2 was written by a newer release; this one reads up to 1"):
        read('{"schema": 2, "value": {}}')


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        "7",
        '"text"',
        "{}",
        '{"schema": 1}',
        '{"value": {}}',
        '{"schema": "1", "value": {}}',
        '{"schema": true, "value": {}}',
        '{"schema": 0, "value": {}}',
        '{"schema": -1, "value": {}}',
        '{"schema": null, "value": {}}',
        '{"schema": 1, "value": null}',
        '{"schema": 1, "value": []}',
        '{"schema": 1, "value": "text"}',
        '{"schema": 1, "value": 7}',
        '{"schema": 1, "value": {}}',
        '{"schema": 1, "value": {"type": "NoSuchThing"}}',
        '{"schema": 1, "value": {"type": "EffectClosed", "at": "yesterday", "effect": "1"}}',
        '{"schema": 1, "value": {"type": 7}}',
        '{"schema": 1, "value": {"type": []}}',
        '{"schema": 1, "value": ' + "[" * 5_000 + "]" * 5_000 + "}",
    ],
    ids=lambda text: text[:40] or "nothing",
)
def test_a_broken_document_is_refused_clearly(read, text):
    with pytest.raises(RejectedError, match="a stored document is not what this release writes"):
        read(text)


@given(st.integers(0, 200), st.sampled_from(["", "x", '"', "}", "9", "null"]))
@settings(max_examples=150, deadline=None)
def test_a_damaged_document_is_read_or_refused_and_nothing_else(cut, patch):
    text = HISTORIES[0].read_text(encoding="utf-8")
    line = json.dumps(json.loads(text)["events"][5])
    place = cut * len(line) // 200
    try:
        read_event(line[:place] + patch + line[place + 1 :])
    except (RejectedError, NewerReleaseError):  # another number where the schema stands
        return
