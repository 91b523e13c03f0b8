"""Requests to release a version: CloudEvents, or plain JSON."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.domain.errors import InvalidError, Problem
from shared.domain.names import ApplicationName, CommandId, Version
from shared.wire.cloud_events import CloudEvent, is_cloud_event, parse_cloud_event
from shared.wire.fields import Fields
from shared.wire.findings import shown
from shared.wire.identities import identity, requested_identity
from shared.wire.json_source import read_json

DEPLOYMENT_TYPE: Final = "slipway.deployment"
_OUR_TYPES: Final = "slipway."
_FIELDS: Final = ("application", "version")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentRequest:
    """Somebody asks for a version to be released."""

    application: ApplicationName
    version: Version
    command_id: CommandId
    """The same for every delivery of the same request."""
    source: str
    """Who asked: the event's source, or `api`."""


def parse_deployment(headers: Mapping[str, str], body: bytes, *, new_id: Callable[[], str]) -> DeploymentRequest:
    """Return what a request asks for.

    A CloudEvent carries `{"application", "version"}` as its data and is known by application, source and id. Its
    type is `slipway.deployment` or anything outside `slipway.`, whose further data is not looked at. Plain JSON
    `{"application", "version"}` is known by its `Idempotency-Key` header, or else is new each time: `new_id` names
    it. Raises `InvalidError` naming each field that is wrong.
    """
    if is_cloud_event(headers):
        return _from_event(parse_cloud_event(headers, body))
    document = read_json(body)
    _refuse_unmarked_event(document)
    fields = Fields(document)
    fields.refuse_others(_FIELDS)
    application, version = _asked(fields)
    return DeploymentRequest(
        application=application,
        version=version,
        command_id=requested_identity("deployment", application, headers, new_id),
        source="api",
    )


def _from_event(event: CloudEvent) -> DeploymentRequest:
    is_ours = event.type.startswith(_OUR_TYPES)
    if is_ours and event.type != DEPLOYMENT_TYPE:
        raise InvalidError(Problem("type", f"found {shown(event.type)}; taken here is {DEPLOYMENT_TYPE}"))
    fields = Fields(event.data, "data")
    if is_ours:
        fields.refuse_others(_FIELDS)
    application, version = _asked(fields)
    return DeploymentRequest(
        application=application,
        version=version,
        command_id=identity("deployment", application, "event", event.source, event.id),
        source=event.source,
    )


def _asked(fields: Fields) -> tuple[ApplicationName, Version]:
    application, version = fields.application(), fields.version()
    fields.done()
    return application, version


def _refuse_unmarked_event(document: Any) -> None:
    if isinstance(document, dict) and "specversion" in document:
        raise InvalidError(
            Problem(
                "specversion", "this looks like a CloudEvent; send it as Content-Type: application/cloudevents+json"
            )
        )
