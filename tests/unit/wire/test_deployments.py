"""Deployment requests: CloudEvents of both modes, plain JSON, and who is the same request again."""

import base64
import json
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.errors import InvalidError, Problem
from shared.wire.cloud_events import CloudEvent, parse_cloud_event
from shared.wire.deployments import DeploymentRequest, parse_deployment
from tests.unit.wire.payload_samples import samples

ASKED = {"application": "shop", "version": "2"}
EVENT = {
    "specversion": "1.0",
    "type": "slipway.deployment",
    "source": "/ci/shop",
    "id": "run-7",
    "time": "2026-05-01T10:00:00.1234567Z",
    "data": ASKED,
}
BASE64 = base64.b64encode(json.dumps(ASKED).encode()).decode()
STRUCTURED = {"Content-Type": "application/cloudevents+json; charset=utf-8"}
BINARY = {
    "content-type": "application/json",
    "CE-SpecVersion": "1.0",
    "ce-type": "slipway.deployment",
    "ce-source": "/ci/shop",
    "ce-id": "run-7",
}
SAMPLES = samples("cloudevents/examples/*.json")


def parse(headers: dict[str, str], document: object) -> DeploymentRequest:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return parse_deployment(headers, body, new_id=lambda: "new")


def refused(headers: dict[str, str], document: object) -> list[Problem]:
    with pytest.raises(InvalidError) as error:
        parse(headers, document)
    return list(error.value.problems)


def test_both_modes_of_an_event_ask_for_the_same_by_the_same_identity():
    structured, binary = parse(STRUCTURED, EVENT), parse(BINARY, ASKED)

    assert structured == binary
    assert (structured.application, structured.version, structured.source) == ("shop", "2", "/ci/shop")


@pytest.mark.parametrize(
    "change",
    [{"source": "/ci/other"}, {"id": "run-8"}, {"data": {"application": "other", "version": "2"}}],
)
def test_another_source_id_or_application_is_another_request(change):
    assert parse(STRUCTURED, EVENT | change).command_id != parse(STRUCTURED, EVENT).command_id


def test_parts_of_an_identity_do_not_run_into_each_other():
    one = parse(STRUCTURED, EVENT | {"source": "/ci", "id": "1/run"})
    two = parse(STRUCTURED, EVENT | {"source": "/ci1", "id": "/run"})

    assert one.command_id != two.command_id


def test_the_same_event_with_another_time_is_the_same_request():
    assert parse(STRUCTURED, EVENT | {"time": "2027-01-01T00:00:00Z"}) == parse(STRUCTURED, EVENT)


def test_data_may_be_base64():
    event = {name: value for name, value in EVENT.items() if name != "data"}
    event["data_base64"] = BASE64

    assert parse(STRUCTURED, event) == parse(STRUCTURED, EVENT)


def test_extension_attributes_are_ignored():
    assert parse(STRUCTURED, EVENT | {"traceparent": "00-ab", "odd": {"x": 1}, "unset": None}) == parse(
        STRUCTURED, EVENT
    )
    assert parse(BINARY | {"ce-traceparent": "00-ab"}, ASKED) == parse(BINARY, ASKED)


def test_optional_attributes_may_be_null():
    assert parse(STRUCTURED, EVENT | {"subject": None, "time": None, "dataschema": None, "datacontenttype": None})


def test_a_foreign_type_may_carry_more_data():
    event = EVENT | {"type": "org.example.deployed", "data": ASKED | {"commit": "abc"}}

    assert parse(STRUCTURED, event).version == "2"


def test_our_own_type_carries_only_its_fields():
    assert [problem.path for problem in refused(STRUCTURED, EVENT | {"data": ASKED | {"verison": "3"}})] == [
        "data.verison"
    ]


@pytest.mark.parametrize("type_", ["slipway.deployments", "slipway.rollback", "slipway."])
def test_an_unknown_type_of_our_own_is_refused_with_what_is_taken(type_):
    [problem] = refused(STRUCTURED, EVENT | {"type": type_})

    assert problem.path == "type"
    assert "slipway.deployment" in problem.message


def test_header_values_are_percent_decoded_and_may_be_quoted():
    event = parse_cloud_event(BINARY | {"ce-id": "Euro%20%E2%82%AC%20%F0%9F%98%80", "ce-subject": '"a \\"b\\""'}, b"{}")

    assert event == CloudEvent(id="Euro € 😀", source="/ci/shop", type="slipway.deployment", data={})


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"specversion": None}, "specversion"),
        ({"specversion": "0.3"}, "specversion"),
        ({"specversion": 1.0}, "specversion"),
        ({"id": None}, "id"),
        ({"id": ""}, "id"),
        ({"id": 7}, "id"),
        ({"id": "a\nb"}, "id"),
        ({"id": "x" * 3000}, "id"),
        ({"source": None}, "source"),
        ({"source": ""}, "source"),
        ({"source": "not a uri"}, "source"),
        ({"source": "/ci/%zz"}, "source"),
        ({"source": "/bücher"}, "source"),
        ({"type": None}, "type"),
        ({"type": ""}, "type"),
        ({"time": "yesterday"}, "time"),
        ({"time": "2026-05-01T10:00:00"}, "time"),
        ({"time": "2026-13-01T10:00:00Z"}, "time"),
        ({"subject": ""}, "subject"),
        ({"dataschema": "relative"}, "dataschema"),
        ({"datacontenttype": "application/xml"}, "datacontenttype"),
        ({"datacontenttype": 7}, "datacontenttype"),
        ({"data": None}, "data"),
        ({"data": "x"}, "data"),
        ({"data": {}}, "data.application"),
        ({"data": {"application": "shop"}}, "data.version"),
        ({"data_base64": BASE64}, "data_base64"),
        ({"data": None, "data_base64": f"{BASE64}*"}, "data_base64"),
        ({"data": None, "data_base64": "***"}, "data_base64"),
        ({"data": None, "data_base64": "e30"}, "data_base64"),
        ({"data": None, "data_base64": "e2E="}, "data_base64"),
        ({"data": None, "data_base64": 7}, "data_base64"),
        ({"data": None, "data_base64": "ü"}, "data_base64"),
    ],
)
def test_a_wrong_attribute_is_refused_by_its_name(change, path):
    assert path in [problem.path for problem in refused(STRUCTURED, EVENT | change)]


@pytest.mark.parametrize("name", ["specversion", "type", "source", "id"])
def test_a_required_header_is_missed_by_the_attributes_name(name):
    headers = {key: value for key, value in BINARY.items() if key.lower() != f"ce-{name}"}

    assert [problem.path for problem in refused(headers, ASKED)] == [name]


@pytest.mark.parametrize(
    ("headers", "body", "path"),
    [
        ({"Content-Type": "application/cloudevents-batch+json"}, [EVENT], "Content-Type"),
        ({"Content-Type": "application/cloudevents+xml"}, b"<event/>", "Content-Type"),
        ({"Content-Type": "application/cloudevents+json; charset=latin1"}, EVENT, "Content-Type"),
        (STRUCTURED, [EVENT], ""),
        (STRUCTURED, b"{", ""),
        (BINARY | {"content-type": "text/xml"}, b"<a/>", "datacontenttype"),
        (BINARY, b"{", "data"),
        (BINARY, b"", "data"),
        (BINARY | {"ce-id": "%ff"}, ASKED, "ce-id"),
        ({"content-type": "application/json"}, EVENT, "specversion"),
    ],
)
def test_what_is_not_one_json_event_is_refused(headers, body, path):
    assert path in [problem.path for problem in refused(headers, body)]


def test_plain_json_without_a_key_is_a_new_request_each_time():
    ids = count()
    one, two = (parse_deployment({}, json.dumps(ASKED).encode(), new_id=lambda: str(next(ids))) for _ in range(2))

    assert (one.application, one.version, one.source) == ("shop", "2", "api")
    assert one.command_id != two.command_id


@pytest.mark.parametrize("written", ["k-1", '"k-1"', " k-1 "])
def test_plain_json_with_the_same_key_is_the_same_request(written):
    key = {"Idempotency-Key": "k-1"}

    assert parse({"idempotency-key": written}, ASKED) == parse(key, ASKED)
    assert parse(key, ASKED | {"application": "b"}).command_id != parse(key, ASKED).command_id
    assert parse({"Idempotency-Key": "k-2"}, ASKED).command_id != parse(key, ASKED).command_id


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "ü", "a\x00b"])
def test_a_key_that_is_no_key_is_refused(key):
    assert [problem.path for problem in refused({"Idempotency-Key": key}, ASKED)] == ["Idempotency-Key"]


@pytest.mark.parametrize(
    ("document", "paths"),
    [
        ({}, ["application", "version"]),
        ([], [""]),
        (None, [""]),
        ("shop", [""]),
        ({"application": "shop", "version": "2", "verison": "3"}, ["verison"]),
        ({"application": "Shop", "version": "2"}, ["application"]),
        ({"application": "a/b", "version": "2"}, ["application"]),
        ({"application": "s" * 64, "version": "2"}, ["application"]),
        ({"application": ["shop"], "version": "2"}, ["application"]),
        ({"application": "shop", "version": 2}, ["version"]),
        ({"application": "shop", "version": True}, ["version"]),
        ({"application": "shop", "version": ""}, ["version"]),
        ({"application": "shop", "version": "a b"}, ["version"]),
        ({"application": "shop", "version": "2\n"}, ["version"]),
        ({"application": "shop", "version": "v" * 257}, ["version"]),
    ],
)
def test_a_plain_request_with_wrong_fields_is_refused_by_each(document, paths):
    assert [problem.path for problem in refused({}, document)] == paths


def test_a_number_for_a_version_gets_the_hint_to_quote_it():
    [problem] = refused({}, {"application": "shop", "version": 2})

    assert 'write "2"' in problem.message


@pytest.mark.skipif(not SAMPLES, reason="the samples of CloudEvents are not here")
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_the_specs_own_events_are_read_or_refused_for_not_being_one_json_event(path: Path):
    document: Any = json.loads(path.read_bytes())
    carries_json = isinstance(document, dict) and document["datacontenttype"] == "application/json"
    if carries_json:
        assert parse_cloud_event(STRUCTURED, path.read_bytes()).id == document["id"]
    else:
        with pytest.raises(InvalidError):
            parse_cloud_event(STRUCTURED, path.read_bytes())


@settings(max_examples=150)
@given(
    st.dictionaries(
        st.sampled_from([*EVENT, "data_base64", "subject", "datacontenttype", "dataschema", "x"]),
        st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.just(ASKED) | st.just([]),
    )
)
def test_whatever_an_event_holds_it_is_read_or_refused(change):
    try:
        request = parse(STRUCTURED, EVENT | change)
    except InvalidError as error:
        told = error.problems
        assert told
    else:
        assert request.application == "shop"
