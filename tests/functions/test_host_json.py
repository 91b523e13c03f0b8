"""host.json says what Azure's host understands, and leaves room for HTTP."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from local.hosting.function_index import index_functions, of_kind
from local.hosting.host_file import HostFile, parse_time_span
from local.hosting.worker_threads import size_from

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT.parent / "shared" / "payloads" / "schemastore" / "spec" / "host.json"
RESERVED_FOR_HTTP = 2


def host_json():
    return json.loads((ROOT / "host.json").read_text())


def example_settings():
    return json.loads((ROOT / "local.settings.example.json").read_text())["Values"]


def queues_without_sessions():
    from function_app import app

    triggers = (each.trigger.options for each in of_kind(index_functions(app, example_settings()), "serviceBusTrigger"))
    return [options["queueName"] for options in triggers if not options.get("isSessionsEnabled")]


def version_2_errors(document):
    """The schema is a oneOf of versions; what matters is why version 2 does not fit."""
    schema = json.loads(SCHEMA.read_text())
    return [
        problem.message
        for error in Draft7Validator(schema).iter_errors(document)
        for problem in (error.context or [error])
        if not problem.schema_path or problem.schema_path[0] != 0
    ]


@pytest.mark.skipif(not SCHEMA.exists(), reason="the public schema of host.json is not beside the project")
def test_it_is_valid_against_the_public_schema():
    assert version_2_errors(host_json()) == []


@pytest.mark.skipif(not SCHEMA.exists(), reason="the public schema of host.json is not beside the project")
@pytest.mark.parametrize(
    "broken",
    [
        {"extensions": {"http": {"routePrefix": 7}}},
        {"extensions": {"serviceBus": {"maxConcurrentCallsPerSession": 1}}},
        {"unheardOf": True},
    ],
)
def test_the_public_schema_would_find_a_mistake(broken):
    assert version_2_errors(host_json() | broken) != []


def test_routes_are_written_in_full_and_have_no_prefix():
    assert HostFile.parse(host_json()).route_prefix == ""


def test_queues_leave_worker_threads_for_http():
    host_file, threads = HostFile.parse(host_json()), size_from(example_settings())

    assert host_file.max_concurrent_sessions <= threads - RESERVED_FOR_HTTP
    plain = len(queues_without_sessions())
    assert plain == 3
    assert host_file.max_concurrent_sessions + plain * host_file.max_concurrent_calls <= threads - RESERVED_FOR_HTTP


def test_a_lock_is_renewed_for_as_long_as_a_function_may_run():
    renewed_for = HostFile.parse(host_json()).max_auto_lock_renewal

    assert renewed_for >= parse_time_span(host_json()["functionTimeout"])


def test_sessions_give_up_their_place_within_a_second_or_so():
    assert HostFile.parse(host_json()).session_idle_timeout.total_seconds() <= 2


def test_sampling_never_drops_an_exception():
    sampling = host_json()["logging"]["applicationInsights"]["samplingSettings"]

    assert "Exception" in sampling["excludedTypes"].split(";")


def test_the_extension_bundle_is_one_that_flex_consumption_takes():
    assert host_json()["extensionBundle"]["version"] == "[4.*, 5.0.0)"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("00:00:01", 1), ("00:02:00", 120), ("1.00:00:00", 86400), ("00:00:00.25", 0.25)],
)
def test_time_spans_are_read_as_dotnet_writes_them(text, seconds):
    assert parse_time_span(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "1", "1s", "00:00", "-00:00:01"])
def test_what_is_no_time_span_is_refused(text):
    with pytest.raises(ValueError):
        parse_time_span(text)


def test_a_host_json_of_another_version_is_refused():
    with pytest.raises(ValueError, match="version"):
        HostFile.parse({"version": "1.0"})


@pytest.mark.parametrize("text", ["0", "-1", "many", ""])
def test_a_thread_count_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="PYTHON_THREADPOOL_THREAD_COUNT"):
        size_from({"PYTHON_THREADPOOL_THREAD_COUNT": text})
