"""Release specs, `slipway.yaml`: YAML 1.2 or JSON in, a `Spec` that cannot be wrong out.

The published schema says what shape a document may have; what it cannot say (rising weights, bakes that fit the
window, names that are their own) is said here and in the modules beside this one. Everything is told at once.
"""

from datetime import timedelta
from typing import Final

from shared.domain.analysis.guards import Guard
from shared.domain.errors import InvalidError
from shared.domain.names import ApplicationName
from shared.domain.rollout.judging import judges_alone
from shared.domain.rollout.spec import AlertAction, Canary, Judging, LowTraffic, Spec, Strategy, WhenBusy
from shared.wire.durations import format_duration, parse_duration
from shared.wire.findings import Findings, Part
from shared.wire.json_source import read_json, refuse
from shared.wire.media_types import is_json, is_yaml, parse_media_type
from shared.wire.source import Source
from shared.wire.spec_calendar import read_calendar
from shared.wire.spec_experiment import refuse_unfit_audience
from shared.wire.spec_guards import read_guards
from shared.wire.spec_hooks import read_hooks, refuse_long_plans
from shared.wire.spec_judging import read_judging
from shared.wire.spec_measuring import read_deadlines, read_measuring
from shared.wire.spec_notifications import read_notifications
from shared.wire.spec_schema import note_shape
from shared.wire.spec_strategy import longest_bake, read_strategy
from shared.wire.spec_targets import read_targets
from shared.wire.yaml_source import read_yaml

LONGEST_WARM: Final = timedelta(days=30)
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
    measuring = read_measuring(document.child("metrics"), frozenset(target.kind for target in targets))
    strategy = read_strategy(document.child("strategy"), measuring)
    guards = read_guards(document.child("guards"), measuring)
    judging = read_judging(document.child("judgement"), guards)
    _refuse_unfitting(document, strategy, guards, judging)
    refuse_unfit_audience(document.child("strategy").child("experiment").child("audience"), targets)
    hooks = read_hooks(document)
    refuse_long_plans(document.child("hooks"), hooks, strategy)
    when_busy = document.child("whenBusy").read(WhenBusy, WhenBusy.SUPERSEDE)
    if when_busy is WhenBusy.QUEUE and any(target.is_mutable for target in targets):
        document.child("whenBusy").refuse(
            'found "queue"; allowed is supersede or reject: the next deployment overwrites the slot, '
            "so nothing can wait its turn there"
        )
    return Spec(
        application=ApplicationName(document.child("application").read(str, "")),
        targets=targets,
        strategy=strategy,
        measuring=measuring,
        guards=guards,
        when_busy=when_busy,
        on_alert=document.child("alerts").child("onFired").read(AlertAction, AlertAction.ROLLBACK),
        deadlines=read_deadlines(document.child("deadlines"), longest_bake(strategy), judging),
        notifications=read_notifications(document.child("notifications")),
        judging=judging,
        hooks=hooks,
        keep_warm=document.child("keepWarm").read(_warmth, timedelta(hours=1)),
        calendar=read_calendar(document.child("releaseWindows")),
        alert_resources=tuple(each.read(str, "") for each in document.child("alerts").child("resources").children()),
    )


def _warmth(text: str) -> timedelta:
    """Return how long something is kept warm. Raises ValueError that names the limit and the form."""
    try:
        warmth = parse_duration(text)
    except ValueError:
        warmth = None
    if warmth is None or warmth > LONGEST_WARM:
        raise ValueError(f"allowed is a duration from 1s to {format_duration(LONGEST_WARM)}, such as 30m, 1h or 7d")
    return warmth


def _refuse_unfitting(document: Part, strategy: Strategy, guards: tuple[Guard, ...], judging: Judging) -> None:
    """Refuse what takes weights that rise of a strategy without, and a preview that is to be judged by comparing."""
    if isinstance(strategy, Canary):
        return
    if judging.smallest_regression is not None:
        document.child("judgement").child("smallestRegression").refuse("goes with strategy.canary only")
    if judging.low_traffic is LowTraffic.BIGGER_FIRST_STEP:
        document.child("judgement").child("lowTraffic").refuse(
            'found "bigger-first-step"; goes with strategy.canary only: nothing else has a first step to make bigger; '
            "allowed is hold, extend or ask"
        )
    preview = document.child("strategy").child("blueGreen").child("preview").child("bake")
    if preview.exists and preview.is_sound and not any(map(judges_alone, guards)):
        preview.refuse(
            "before the switch there is nothing to compare with, and no guard here is a plain limit or an objective; "
            "allowed is such a guard, or to leave this out"
        )
