"""CloudEvents 1.0 over HTTP, structured (JSON) and binary; one event a request."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from shared.domain.errors import InvalidError, Problem
from shared.wire.fields import Fields
from shared.wire.findings import shown
from shared.wire.identities import header_of
from shared.wire.json_source import SURROGATE, read_json
from shared.wire.media_types import is_json, parse_media_type
from shared.wire.timestamps import parse_time

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch"

_HEADER_PREFIX: Final = "ce-"
_LONGEST_ATTRIBUTE: Final = 2048
_URI_REFERENCE: Final = re.compile(r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")
_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:.*")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudEvent:
    """One event. Extension attributes are left out: nothing here knows them."""

    id: str
    """With `source`, the identity of the event."""
    source: str
    type: str
    data: Any
    """The JSON value that the event carries; None when it carries none."""


def is_cloud_event(headers: Mapping[str, str]) -> bool:
    """Whether a request says that it is a CloudEvent, in whichever mode."""
    media = parse_media_type(header_of(headers, "content-type"))
    return media.name.startswith("application/cloudevents") or any(
        name.lower().startswith(_HEADER_PREFIX) for name in headers
    )


def parse_cloud_event(headers: Mapping[str, str], body: bytes) -> CloudEvent:
    """Return the event of a request. Raises `InvalidError` naming the attribute that is missing or wrong."""
    media = parse_media_type(header_of(headers, "content-type"))
    if media.charset not in (None, "utf-8", "utf8", "us-ascii"):
        raise _invalid("Content-Type", f"the charset {shown(media.charset)} is not read; send UTF-8")
    if media.name.startswith(BATCH):
        raise _invalid("Content-Type", f"found a batch of events; allowed is one event a request, {STRUCTURED}")
    if media.name == STRUCTURED:
        return _structured(body)
    if media.name.startswith("application/cloudevents"):
        raise _invalid("Content-Type", f"found {shown(media.name)}; allowed is {STRUCTURED}, or ce- headers")
    return _binary(headers, media.name, body)


def _structured(body: bytes) -> CloudEvent:
    document = read_json(body)
    if isinstance(document, list):
        raise _invalid("", "found a list; allowed is one event a request, a JSON object")
    return _event(document, _structured_data(Fields(document), document))


def _structured_data(fields: Fields, document: dict[str, Any]) -> Any:
    if fields.has("data") and fields.has("data_base64"):
        raise _invalid("data_base64", "allowed is either data or data_base64, not both")
    _check_data_type(fields.get("datacontenttype"))
    if fields.has("data_base64"):
        return _decoded(document["data_base64"])
    return document.get("data")


def _decoded(text: Any) -> Any:
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise _invalid("data_base64", "allowed is base64 (RFC 4648) with padding") from error
    return _data(content, "data_base64")


def _binary(headers: Mapping[str, str], media_name: str, body: bytes) -> CloudEvent:
    attributes = {
        name.lower().removeprefix(_HEADER_PREFIX): _header_text(name, value)
        for name, value in headers.items()
        if name.lower().startswith(_HEADER_PREFIX)
    }
    _check_data_type(media_name or None)
    return _event(attributes, _data(body, "data") if body.strip() else None)


def _header_text(name: str, value: str) -> str:
    """Undo the percent-encoding that the HTTP binding (3.1.3.2) asks for."""
    plain = value.strip()
    if len(plain) > 1 and plain.startswith('"') and plain.endswith('"'):
        plain = re.sub(r"\\(.)", r"\1", plain[1:-1])
    try:
        return unquote_to_bytes(plain).decode("utf-8")
    except UnicodeError as error:
        raise _invalid(name, "allowed is percent-encoded UTF-8") from error


def _data(content: bytes, path: str) -> Any:
    try:
        return read_json(content)
    except InvalidError as error:
        raise InvalidError(*(Problem(path, problem.message, problem.line) for problem in error.problems)) from error


def _check_data_type(media_type: Any) -> None:
    if media_type is not None and not (isinstance(media_type, str) and is_json(parse_media_type(media_type))):
        raise _invalid("datacontenttype", f"found {shown(media_type)}; allowed is application/json")


def _event(attributes: Any, data: Any) -> CloudEvent:
    fields = Fields(attributes)
    if fields.has("specversion") and fields.get("specversion") != "1.0":
        fields.refuse("specversion", f'found {shown(fields.get("specversion"))}; allowed is "1.0"')
    elif not fields.has("specversion"):
        fields.refuse("specversion", "is missing")
    event = CloudEvent(
        id=_attribute(fields, "id"),
        source=_attribute(fields, "source"),
        type=_attribute(fields, "type"),
        data=data,
    )
    if event.source and not _URI_REFERENCE.fullmatch(event.source):
        fields.refuse("source", f"found {shown(event.source)}; allowed is a URI reference such as /ci/shop")
    _check_optional(fields)
    fields.done()
    return event


def _check_optional(fields: Fields) -> None:
    _attribute(fields, "subject", required=False)
    schema = _attribute(fields, "dataschema", required=False)
    if schema and not (_URI_REFERENCE.fullmatch(schema) and _ABSOLUTE.fullmatch(schema)):
        fields.refuse("dataschema", f"found {shown(schema)}; allowed is an absolute URI")
    time = _attribute(fields, "time", required=False)
    try:
        if time:
            parse_time(time)
    except ValueError as error:
        fields.refuse("time", f"found {shown(time)}; {error}")


def _attribute(fields: Fields, name: str, *, required: bool = True) -> str:
    text = fields.text(name, longest=_LONGEST_ATTRIBUTE, required=required)
    if _CONTROL.search(text) or SURROGATE.search(text):
        fields.refuse(name, f"found {shown(text)}; allowed is a text without control characters")
    return text


def _invalid(path: str, message: str) -> InvalidError:
    return InvalidError(Problem(path, message))
