"""Release specs as documents again, with every default written out."""

from datetime import timedelta
from typing import Any

from shared.domain.rollout.spec import (
    AbTest,
    Bake,
    BlueGreen,
    Canary,
    CanaryStep,
    Descent,
    Gate,
    HealthCheck,
    Judging,
    NamedPlace,
    Notification,
    Spec,
    Strategy,
    Target,
    VersionProbe,
)
from shared.wire.durations import format_duration
from shared.wire.objectives import format_multiple
from shared.wire.quantities import format_fraction, format_weight
from shared.wire.spec_calendar import render_calendar
from shared.wire.spec_experiment import render_experiment
from shared.wire.spec_guards_rendering import render_guard
from shared.wire.spec_hooks import render_hooks
from shared.wire.spec_metrics_rendering import render_measuring


def render_spec(spec: Spec) -> dict[str, Any]:
    """Return the document of a spec, ready for JSON or YAML. `parse_spec` of it gives an equal spec."""
    deadlines = spec.deadlines
    return {
        "application": spec.application,
        "targets": [_target(target) for target in spec.targets],
        "strategy": _strategy(spec.strategy),
        "metrics": render_measuring(spec.measuring),
        "guards": [render_guard(guard) for guard in spec.guards],
        "judgement": _judging(spec.judging),
        "whenBusy": spec.when_busy.value,
        "alerts": {
            "onFired": spec.on_alert.value,
            **({"resources": list(spec.alert_resources)} if spec.alert_resources else {}),
        },
        "deadlines": {
            "preflight": format_duration(deadlines.preflight),
            "progress": format_duration(deadlines.progress),
            "otherwise": deadlines.otherwise.value,
        },
        **render_hooks(spec.hooks),
        "keepWarm": format_duration(spec.keep_warm),
        "releaseWindows": render_calendar(spec.calendar),
        "notifications": [_notification(notification) for notification in spec.notifications],
    }


def _target(target: Target) -> dict[str, Any]:
    region = {"region": target.region} if target.region else {}
    return {
        "name": target.name,
        "kind": target.kind.value,
        "resource": target.resource,
        **({"slot": target.slot} if target.slot else {}),
        **({"places": [_place(place) for place in target.places]} if target.places else {}),
        **({"converts": True} if target.converts else {}),
        **({"variant": target.variant} if target.variant is not None else {}),
        **({"swapWithPreview": True} if target.swap_with_preview else {}),
        **region,
        "wave": target.wave,
        **({"version": _probe(target.version), "health": _health(target.health)} if target.kind.holds_versions else {}),
    }


def _place(place: NamedPlace) -> dict[str, Any] | str:
    return {"name": place.name, "host": place.host} if place.host else place.name


def _probe(probe: VersionProbe) -> dict[str, Any]:
    if probe.header is not None:
        return {"path": probe.path, "header": probe.header}
    return {"path": probe.path, "pointer": probe.pointer or ""}


def _health(health: HealthCheck) -> dict[str, Any]:
    return {
        "path": health.path,
        "statuses": list(health.statuses),
        **({"morePaths": list(health.more_paths)} if health.more_paths else {}),
        **({"within": f"{health.within / timedelta(milliseconds=1):g}ms"} if health.within is not None else {}),
        "passes": health.passes,
        "every": format_duration(health.every),
    }


def _strategy(strategy: Strategy) -> dict[str, Any]:
    match strategy:
        case Canary():
            return {"canary": _canary(strategy)}
        case BlueGreen():
            return {"blueGreen": {**_preview(strategy), "bake": _bake(strategy.bake)}}
        case AbTest():
            return {"experiment": render_experiment(strategy, _bake)}


def _preview(strategy: BlueGreen) -> dict[str, Any]:
    bake = {"bake": _bake(strategy.preview_bake)} if strategy.preview_bake is not None else {}
    preview = {**bake, **_gate(strategy.preview_gate)}
    return {"preview": preview} if preview else {}


def _canary(canary: Canary) -> dict[str, Any]:
    return {
        "steps": [_step(step) for step in canary.steps],
        "promotion": {"bake": _bake(canary.promotion_bake), **_gate(canary.promotion_gate)},
        **({"rollback": _descent(canary.descent)} if canary.descent is not None else {}),
    }


def _descent(descent: Descent) -> dict[str, Any]:
    return {"steps": [format_weight(weight) for weight in descent.weights], "every": format_duration(descent.every)}


def _step(step: CanaryStep) -> dict[str, Any]:
    return {"weight": format_weight(step.weight), "bake": _bake(step.bake), **_gate(step.gate)}


def _bake(bake: Bake) -> dict[str, Any]:
    return {
        "min": format_duration(bake.minimum),
        "max": format_duration(bake.maximum),
        "otherwise": bake.otherwise.value,
    }


def _gate(gate: Gate | None) -> dict[str, Any]:
    if gate is None:
        return {}
    timeout = format_duration(gate.timeout)
    return {"gate": {"name": gate.name, "timeout": timeout, "otherwise": gate.otherwise.value}}


def _judging(judging: Judging) -> dict[str, Any]:
    smallest = judging.smallest_regression
    return {
        "alpha": format_fraction(judging.alpha),
        "risk": format_fraction(judging.risk),
        "warmUp": format_duration(judging.warm_up),
        "lowTraffic": judging.low_traffic.value,
        "holdBack": format_weight(judging.hold_back),
        **({"smallestRegression": format_multiple(smallest)} if smallest is not None else {}),
    }


def _notification(notification: Notification) -> dict[str, Any]:
    secret = {"secretSetting": notification.secret_setting} if notification.secret_setting is not None else {}
    topics = [topic.value for topic in notification.topics]
    return {"name": notification.name, "url": notification.url, "topics": topics, **secret}
