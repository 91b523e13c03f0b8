"""Release specs, `slipway.yaml`: YAML 1.2 or JSON in, a `Spec` that cannot be wrong out.

The published schema says what shape a document may have; what it cannot say (rising weights, bakes that fit the
window, names that are their own) is said here and in the modules beside this one. Everything is told at once.
"""

from typing import Final

from shared.domain.errors import InvalidError
from shared.domain.names import ApplicationName
from shared.domain.rollout.spec import AlertAction, Spec, WhenBusy
from shared.wire.findings import Findings, Part
from shared.wire.json_source import read_json, refuse
from shared.wire.media_types import is_json, is_yaml, parse_media_type
from shared.wire.source import Source
from shared.wire.spec_canary import longest_bake, read_canary
from shared.wire.spec_guards import read_guards
from shared.wire.spec_judging import read_judging
from shared.wire.spec_measuring import read_deadlines, read_measuring
from shared.wire.spec_notifications import read_notifications
from shared.wire.spec_schema import note_shape
from shared.wire.spec_targets import read_targets
from shared.wire.yaml_source import read_yaml

_BRACE: Final = (b"{", b"\xef\xbb\xbf{")


def parse_spec(body: bytes, content_type: str | None = None) -> Spec:
    """Return the spec in a body.

    A JSON or YAML content type is believed; with any other, or none, a body that begins with a brace and reads as
    JSON is JSON, everything else YAML. Raises `InvalidError` with all problems that were found (at most 100), each
    with its path, what stands there, what is allowed and, for YAML, the line.
    """
    source = _read(body, content_type)
    findings = Findings(source)
    note_shape(source.value, findings)
    spec = _spec(Part(source.value, (), findings))
    findings.raise_if_any()
    return spec


def _read(body: bytes, content_type: str | None) -> Source:
    media = parse_media_type(content_type)
    if media.charset not in (None, "utf-8", "utf8", "us-ascii"):
        refuse(f"the charset {media.charset:.40} is not read; send UTF-8")
    if is_json(media):
        return Source(read_json(body))
    if not is_yaml(media) and body.lstrip().startswith(_BRACE):
        return _read_either(body)
    return read_yaml(body)


def _read_either(body: bytes) -> Source:
    """Read what is JSON, or YAML that begins with a brace."""
    try:
        return Source(read_json(body))
    except InvalidError:
        return read_yaml(body)


def _spec(document: Part) -> Spec:
    targets = read_targets(document.child("targets"))
    measuring = read_measuring(document.child("metrics"))
    canary = read_canary(document.child("strategy").child("canary"), measuring)
    guards = read_guards(document.child("guards"), measuring)
    judging = read_judging(document.child("judgement"), guards)
    when_busy = document.child("whenBusy").read(WhenBusy, WhenBusy.SUPERSEDE)
    if when_busy is WhenBusy.QUEUE and any(target.is_mutable for target in targets):
        document.child("whenBusy").refuse(
            'found "queue"; allowed is supersede or reject: the next deployment overwrites the slot, '
            "so nothing can wait its turn there"
        )
    return Spec(
        application=ApplicationName(document.child("application").read(str, "")),
        targets=targets,
        strategy=canary,
        measuring=measuring,
        guards=guards,
        when_busy=when_busy,
        on_alert=document.child("alerts").child("onFired").read(AlertAction, AlertAction.ROLLBACK),
        deadlines=read_deadlines(document.child("deadlines"), longest_bake(canary), judging),
        notifications=read_notifications(document.child("notifications")),
        judging=judging,
    )
