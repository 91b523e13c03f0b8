"""What callers send over HTTP, and what queues bring."""

from shared.domain.errors import InvalidError, RejectedError, TryLaterError
from shared.domain.names import ApplicationName, FlagKey, SegmentKey
from shared.domain.rollout.flagger import Kind
from shared.domain.rollout.spec import Spec
from shared.wire.addresses import application_in, release_in, rollout_in
from shared.wire.azure_monitor import parse_alert
from shared.wire.cloud_events import is_cloud_event, parse_cloud_event
from shared.wire.content_encoding import decoded
from shared.wire.deployments import parse_deployment
from shared.wire.flag_events import parse_flag_events
from shared.wire.flag_requests import (
    context_in,
    dry_run_in,
    expected_in,
    flag_key_in,
    flag_of,
    is_set,
    parse_flag_action,
    reason_of,
    revision_in,
    segment_key_in,
    segment_of,
)
from shared.wire.flag_transfer import export_format_in, lossy_in, parse_import
from shared.wire.flagger_questions import kind_in, parse_question, token_in
from shared.wire.hook_answers import call_in, parse_hook_answer, parse_hook_reply, says_nothing, words_of
from shared.wire.hook_signature import is_signed
from shared.wire.house_calendar import parse_house_windows
from shared.wire.identities import header_of, requested_identity
from shared.wire.json_source import read_json
from shared.wire.media_types import parse_media_type
from shared.wire.message_properties import attempt_in, why_given_up
from shared.wire.observations import parse_observations, read_document, sender_of
from shared.wire.ofrep import has_tag, parse_context
from shared.wire.otlp_metrics import answer_of, is_metrics, parse_metrics
from shared.wire.overrides import parse_admission, parse_override
from shared.wire.plan_questions import planned_time_in, version_in
from shared.wire.query import check_query
from shared.wire.release_requests import parse_release, parse_release_override
from shared.wire.spec import parse_spec
from shared.wire.spec_rendering import render_spec
from shared.wire.wake_ups import encode_wake_up, parse_wake_up
from shared.wire.web_origins import headers_for
from shared.wire.yaml_source import read_yaml, read_yaml_documents
from tests.fuzz.parser import Form, Parser, all_of, message, of_document, of_message, of_text
from tests.fuzz.seeds import examples, fenced, files, given, headed, payloads, suites, together
from tests.unit.domain.specs import NOON
from tests.unit.wire.otlp_samples import duration_point, histogram, number_point, request, resource, total
from tests.unit.wire.spec_documents import SMALLEST

FLAG_GUIDES = ("flags", "flags-documents")
SPEC_GUIDES = (
    "release-spec",
    "judgement",
    "metric-sources",
    "hooks",
    "experiments",
    "flags-as-targets",
    "aks",
    "app-service",
    "container-apps",
    "traffic-manager",
)
CLOUD_EVENT = {"Content-Type": "application/cloudevents+json"}
BINARY_EVENT = {
    "Content-Type": "application/json",
    "ce-specversion": "1.0",
    "ce-id": "1",
    "ce-source": "/ci/shop",
    "ce-type": "built",
    "ce-time": "2026-11-23T12:00:00Z",
    "ce-subject": "%C3%A9",
    "ce-dataschema": "https://example.org/schema",
}
WANTED = {"application": "shop", "version": "2"}


def written_spec(spec: Spec) -> bytes:
    """Return the spec as a caller could send it."""
    import json

    return json.dumps(render_spec(spec)).encode()


def _metrics(document: object) -> object:
    """What the trigger does with the request, its answer included."""
    if not is_metrics(document):
        return parse_observations(document, sender="pod-1")
    pushed = parse_metrics(document)
    answer_of(pushed.left_out)
    return pushed


def _headers(headers: object, body: bytes) -> object:
    """What triggers ask of headers and queries alone."""
    return all_of(
        expected_in,
        reason_of,
        context_in,
        revision_in,
        lambda params: is_set(params, "dry-run"),
        planned_time_in,
        version_in,
        export_format_in,
        lossy_in,
        attempt_in,
        why_given_up,
        sender_of,
        is_cloud_event,
        lambda each: requested_identity("override", ApplicationName("shop"), each, lambda: "new"),
        lambda each: is_signed(each, "key", "call", body, NOON),
        lambda each: has_tag(header_of(each, "if-none-match"), '"7"'),
        lambda each: headers_for(each, frozenset({"https://shop.example"}), methods="GET", asks_first=True),
        lambda each: parse_media_type(header_of(each, "content-type")),
        refuses=(InvalidError,),
    )(headers)


def _address(text: str) -> object:
    """What triggers ask of a part of an address."""
    return tuple(
        read(text) for read in (application_in, rollout_in, release_in, flag_key_in, segment_key_in, call_in, kind_in)
    )


BODIES = (
    Parser(
        name="spec",
        read=parse_spec,
        write=written_spec,
        form=Form.YAML,
        seeds=together(files("docs/examples/slipway.yaml"), given(SMALLEST), fenced(*SPEC_GUIDES, within="targets:")),
    ),
    Parser(
        name="deployment",
        form=Form.MESSAGE,
        read=of_message(lambda headers, body: parse_deployment(headers, body, new_id=lambda: "1")),
        seeds=together(
            headed(CLOUD_EVENT, examples("/api/deployments")),
            headed({"Idempotency-Key": "a"}, given(WANTED)),
            headed(BINARY_EVENT, given(WANTED, "")),
            headed(CLOUD_EVENT, payloads("eventgrid/cloudevents-schema/*.json")),
            headed(CLOUD_EVENT, payloads("cdevents/conformance/*.json")),
        ),
    ),
    Parser(
        name="cloud-event",
        form=Form.MESSAGE,
        read=of_message(parse_cloud_event),
        seeds=together(
            headed(
                CLOUD_EVENT,
                given(
                    {"specversion": "1.0", "id": "1", "source": "/ci", "type": "t", "data": {"a": 1}},
                    {"specversion": "1.0", "id": "1", "source": "/ci", "type": "t", "data_base64": "eyJhIjoxfQ=="},
                ),
            ),
            headed(BINARY_EVENT, given(WANTED)),
            headed(CLOUD_EVENT, payloads("cloudevents/examples/**/*.json")),
            headed(CLOUD_EVENT, payloads("github/*/*.json", 6)),
            headed(CLOUD_EVENT, payloads("azure-devops/*/*.json", 6)),
        ),
    ),
    Parser(
        name="azure-monitor-alert",
        read=parse_alert,
        seeds=together(examples("/api/events/{source}"), payloads("azure-monitor/*/*.json", 40)),
    ),
    Parser(name="override", read=parse_override, seeds=examples("/api/applications/{application}/overrides")),
    Parser(name="admission", read=parse_admission, seeds=examples("/api/applications/{application}/admission")),
    Parser(
        name="release",
        form=Form.MESSAGE,
        read=of_message(lambda headers, body: parse_release(headers, body, new_id=lambda: "1")),
        seeds=headed({"Idempotency-Key": "a"}, examples("/api/releases")),
    ),
    Parser(
        name="release-override",
        read=lambda body: [parse_release_override(action, body) for action in ("rollback", "pause")],
        seeds=examples("/api/releases/{id}/{action}"),
    ),
    Parser(
        name="flagger-question",
        read=lambda body: (token_in(body), parse_question(Kind.ROLLBACK, body)),
        seeds=together(
            examples("/api/flagger/{application}/{question}"), payloads("flagger/webhook-payloads/**/*.json")
        ),
    ),
    Parser(name="hook-answer", read=parse_hook_answer, seeds=examples("/api/callbacks/hooks/{application}/{call_id}")),
    Parser(
        name="hook-reply",
        read=lambda body: (words_of(body), says_nothing(body), parse_hook_reply(body)),
        seeds=examples("/api/callbacks/hooks/{application}/{call_id}"),
    ),
    Parser(
        name="observations",
        form=Form.MESSAGE,
        read=of_message(lambda headers, body: _metrics(read_document(headers, body))),
        seeds=headed(
            {"Content-Type": "application/json", "X-Slipway-Sender": "pod-1"},
            together(examples("/api/observations"), examples("/api/observations/v1/metrics")),
        ),
    ),
    Parser(
        name="otlp-metrics",
        read=of_document(_metrics),
        seeds=together(
            examples("/api/observations/v1/metrics"),
            given(
                request(
                    resource(
                        histogram(duration_point(), duration_point(500)),
                        total("calls", number_point(3), number_point(0.5)),
                    )
                ),
                request(resource(histogram(duration_point(), temporality="AGGREGATION_TEMPORALITY_CUMULATIVE"))),
                request(
                    resource(
                        {
                            "name": "http.server.request.duration",
                            "unit": "s",
                            "exponentialHistogram": {
                                "aggregationTemporality": 1,
                                "dataPoints": [
                                    {
                                        "startTimeUnixNano": "1795435200000000000",
                                        "timeUnixNano": "1795435260000000000",
                                        "count": "3",
                                        "sum": 0.3,
                                        "scale": 3,
                                        "zeroCount": "1",
                                        "positive": {"offset": -20, "bucketCounts": ["1", "1"]},
                                        "attributes": [
                                            {"key": "http.response.status_code", "value": {"intValue": "200"}}
                                        ],
                                    }
                                ],
                            },
                        }
                    )
                ),
            ),
        ),
    ),
    Parser(
        name="flag-events",
        read=of_document(lambda document: parse_flag_events(document, sender="pod-1")),
        seeds=examples("/api/flags/events"),
    ),
    Parser(
        name="gzip",
        form=Form.MESSAGE,
        read=of_message(lambda headers, body: decoded(headers, body, at_most=1 << 20)),
        seeds=lambda: (
            message({"Content-Encoding": "gzip"}, _gzipped(b"[]")),
            message({}, b"[]"),
            message({"Content-Encoding": "gzip"}, _gzipped(b" " * (1 << 22))),
        ),
    ),
    Parser(
        name="ofrep-context",
        read=parse_context,
        seeds=together(
            examples("/ofrep/v1/evaluate/flags"), given({"context": {"targetingKey": "ann", "list": [1, {"a": []}]}})
        ),
    ),
    Parser(
        name="flag-action",
        read=lambda body: parse_flag_action(body, FlagKey("new-checkout")),
        seeds=examples("/api/flags/{key}"),
    ),
    Parser(
        name="flag-dry-run",
        read=lambda body: dry_run_in(body, FlagKey("new-checkout")),
        seeds=examples("/api/flags/{key}"),
    ),
    Parser(
        name="flag-put",
        form=Form.YAML,
        read=lambda body: flag_of(body, None, FlagKey("new-checkout")),
        seeds=together(files("docs/examples/flag.yaml"), examples("/api/flags/{key}")),
    ),
    Parser(
        name="segment-put",
        form=Form.YAML,
        read=lambda body: segment_of(body, None, SegmentKey("staff")),
        seeds=together(files("docs/examples/segment.yaml"), examples("/api/segments/{key}")),
    ),
    Parser(
        name="flag-import",
        form=Form.MESSAGE,
        read=of_message(lambda params, body: parse_import(params, body, params.get("content-type"))),
        seeds=together(
            headed({"format": "slipway", "dry-run": "true", "reason": "moved"}, examples("/api/flags/import")),
            headed(
                {"format": "flagd", "flagd-hashing": "2", "overwrite": "false"},
                suites("flagd-schemas/flags/positive/*.json"),
            ),
        ),
    ),
    Parser(
        name="wake-up",
        read=parse_wake_up,
        refuses=(InvalidError, RejectedError, TryLaterError),
        write=encode_wake_up,
        seeds=given(
            {"type": "wake-up/1", "key": "application:shop", "fence": "7", "attempt": 0, "marker": "", "observed": True}
        ),
    ),
    Parser(
        name="house-windows",
        form=Form.YAML,
        read=of_text(parse_house_windows),
        seeds=given(
            '[{"name": "night", "deny": "0 22 * * *", "for": "8h", "timeZone": "Europe/Berlin"}]',
            "- {name: freeze, deny: {from: '2026-12-20T00:00:00', until: '2027-01-04T00:00:00'}}",
        ),
    ),
    Parser(
        name="headers-and-queries",
        form=Form.MESSAGE,
        read=of_message(_headers),
        seeds=given(
            message(
                {
                    "If-Match": '"7"',
                    "reason": "as agreed",
                    "context": '{"targetingKey":"ann"}',
                    "revision": "7",
                    "dry-run": "true",
                    "at": "2026-11-23T12:00:00Z",
                    "version": "2",
                    "format": "flagd",
                    "slipway-attempt": "3",
                    "Origin": "https://shop.example",
                    "DeadLetterReason": "MaxDeliveryCountExceeded",
                    "X-Slipway-Sender": "pod-1",
                    "Idempotency-Key": '"a b"',
                    "X-Slipway-Timestamp": "1795435200",
                    "X-Slipway-Signature": "sha256=00",
                    "If-None-Match": 'W/"7", "8"',
                    "Content-Type": "application/json; charset=utf-8",
                }
            )
        ),
    ),
    Parser(
        name="query",
        form=Form.TEXT,
        read=of_text(lambda url: check_query(url, ("after", "environment"))),
        seeds=given("/api/flags?after=a&environment=b", "https://h/api/flags?afetr=1&after=2&after=%FF"),
    ),
    Parser(
        name="addresses",
        form=Form.TEXT,
        read=of_text(_address),
        seeds=given("shop", "shop-1.0.expand", "a%2Fb", "rollback"),
    ),
    Parser(name="json", read=read_json, seeds=given({"a": [1, 2.5, "x", None, True, {"b": {}}]})),
    Parser(
        name="yaml",
        form=Form.YAML,
        read=lambda body: read_yaml(body).value,
        seeds=together(files("docs/examples/slipway.yaml"), given("on: &a [yes, 0o17, 1_000]\nb: *a\nc: |\n  x\n")),
    ),
    Parser(
        name="yaml-documents",
        form=Form.TEXT,
        read=read_yaml_documents,
        seeds=given("a: 1\n---\n- b\n...\n", "%YAML 1.2\n---\na: &x 1\n---\nb: {c: d}\n"),
    ),
)


def _gzipped(data: bytes) -> bytes:
    import gzip

    return gzip.compress(data, mtime=0)
