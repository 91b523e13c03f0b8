"""The bodies of Flagger's webhooks: what is understood, and what is refused by its name."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.errors import InvalidError
from shared.domain.rollout.flagger import Kind, Question
from shared.domain.rollout.weight import ALL, Weight
from shared.wire.flagger_questions import kind_in, parse_question, token_in
from tests.unit.wire.payload_samples import samples

REAL = samples("flagger/webhook-payloads/*.json")
SECRET = "a-key-that-nobody-may-see"
USUAL = {"name": "podinfo", "namespace": "test", "phase": "Progressing", "checksum": "85d557f47b"}


def body(metadata: object = None, **changes) -> bytes:
    said = {"token": SECRET, "version": "6.4.1"} if metadata is None else metadata
    return json.dumps({**USUAL, "metadata": said, **changes}).encode()


def parse(sent: bytes, kind: Kind = Kind.ROLLOUT) -> Question:
    return parse_question(kind, sent)


def refused(sent: bytes) -> InvalidError:
    with pytest.raises(InvalidError) as error:
        parse(sent)
    return error.value


@pytest.mark.skipif(not REAL, reason="the payload samples do not lie beside the project")
@pytest.mark.parametrize("sample", REAL, ids=lambda path: path.stem)
def test_a_real_payload_is_understood_once_its_metadata_name_a_version(sample):
    document = json.loads(sample.read_bytes())
    document["metadata"] = {"token": document["metadata"]["token"], "version": "6.4.1"}
    sent = json.dumps(document).encode()

    asked = parse(sent)

    assert (asked.canary, asked.version, asked.failed) == ("test/podinfo", "6.4.1", False)
    assert token_in(sent) == "16688eb5e9f289f1991c"


def test_a_canary_that_says_little_goes_up_to_everyone_in_the_first_wave():
    asked = parse(body())

    assert (asked.highest, asked.wave, asked.canary, asked.failed, asked.says) == (ALL, 1, "test/podinfo", False, "")


def test_a_canary_may_say_its_highest_weight_its_wave_and_its_cluster():
    asked = parse(body({"version": "6.4.1", "maxWeight": "50", "wave": "2", "cluster": "west"}))

    assert (asked.highest, asked.wave, asked.canary) == (Weight(50_000), 2, "test/podinfo in west")


def test_an_event_brings_its_text_on_one_line():
    event = {"version": "1", "eventMessage": "Halt\nadvancement", "eventType": "Warning", "timestamp": "1578607635167"}

    assert parse(body(event), Kind.EVENT).says == "Halt advancement"


@pytest.mark.parametrize(("phase", "failed"), [("Failed", True), ("Succeeded", False), ("", False), (None, False)])
def test_a_failed_analysis_is_told_by_its_phase(phase, failed):
    assert parse(body(phase=phase)).failed is failed


def test_a_canary_that_was_never_looked_at_and_fields_of_newer_versions_are_no_trouble():
    assert parse(body(phase="", checksum="", buildId="b1", new={"deep": [1]})).version == "6.4.1"


def test_calls_about_one_analysis_have_one_identity_and_others_have_another():
    first = parse(body(), Kind.POST_ROLLOUT)

    assert parse(body(phase="Failed"), Kind.ROLLBACK).id == first.id
    others = [
        body(checksum="0"),
        body(name="other"),
        body(namespace="other"),
        body({"version": "6.4.2"}),
        body({"version": "6.4.1", "cluster": "west"}),
    ]
    assert len({first.id, *(parse(sent).id for sent in others)}) == 6


@pytest.mark.parametrize(
    ("sent", "paths"),
    [
        (b"", [""]),
        (b"{nonsense", [""]),
        (b"[]", [""]),
        (b"{}", ["name", "namespace"]),
        (body(name=7, namespace=""), ["name", "namespace"]),
        (body(phase=["Failed"], checksum={}), ["phase", "checksum"]),
        (body(metadata=[]), ["metadata.version"]),
        (body(metadata="x"), ["metadata"]),
        (body({"token": SECRET}), ["metadata.version"]),
        (body({"version": 6}), ["metadata.version"]),
        (body({"version": "6.4.1 "}), ["metadata.version"]),
        (body({"version": "1", "maxWeight": 50}), ["metadata.maxWeight"]),
        (body({"version": "1", "maxWeight": "0", "wave": "0"}), ["metadata.maxWeight", "metadata.wave"]),
        (body({"version": "1", "maxWeight": "101", "wave": "1001"}), ["metadata.maxWeight", "metadata.wave"]),
        (body({"version": "1", "maxWeight": "50%", "wave": "two"}), ["metadata.maxWeight", "metadata.wave"]),
        (body({"version": "1", "waves": "2"}), ["metadata.waves"]),
        (body({"version": "1", "cluster": 7}), ["metadata.cluster"]),
    ],
)
def test_what_cannot_be_understood_is_named(sent, paths):
    assert [problem.path for problem in refused(sent).problems] == paths


def test_a_misspelt_limit_is_refused_with_the_right_name_and_does_not_go_unheard():
    assert "did you mean maxWeight?" in str(refused(body({"version": "1", "maxweight": "5"})))


def test_the_token_is_never_repeated():
    for metadata in ({"token": SECRET}, {"token": [SECRET], "version": 1, "wave": "x"}):
        assert SECRET not in str(refused(body(metadata)))
    assert SECRET not in repr(parse(body()))


@pytest.mark.parametrize(
    "sent",
    [b"", b"{", b"[]", b"{}", body([]), body({}), body({"token": ""}), body({"token": 7}), body({"token": None})],
)
def test_a_body_without_a_token_has_none(sent):
    assert token_in(sent) is None


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.binary(max_size=200))
def test_no_bytes_break_the_reading_of_a_token(sent):
    assert token_in(sent) is None


def test_every_type_of_webhook_has_its_address_and_nothing_else_has_one():
    assert [kind_in(kind) for kind in Kind] == list(Kind)
    assert {kind_in(text) for text in ("", "ROLLBACK", "rollback ", "confirm", "KIND")} == {None}
