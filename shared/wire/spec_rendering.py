"""Release specs as documents again, with every default written out."""

from collections.abc import Callable
from typing import Any, Final

from shared.domain.analysis.guards import Guard, Metric, Ratio, Threshold
from shared.domain.rollout.spec import Bake, Canary, CanaryStep, Gate, Notification, Spec, Target, VersionProbe
from shared.wire.durations import format_duration
from shared.wire.quantities import format_fraction, format_milliseconds, format_weight


def _plain(value: float) -> float:
    return int(value) if value == int(value) else value


_LIMITS: Final[dict[Metric, Callable[[float], float | str]]] = {
    Metric.ERROR_RATE: format_fraction,
    Metric.LATENCY: format_milliseconds,
    Metric.REQUESTS: _plain,
}


def render_spec(spec: Spec) -> dict[str, Any]:
    """Return the document of a spec, ready for JSON or YAML. `parse_spec` of it gives an equal spec."""
    deadlines = spec.deadlines
    return {
        "application": spec.application,
        "targets": [_target(target) for target in spec.targets],
        "strategy": {"canary": _canary(spec.strategy)},
        "metrics": {
            "window": format_duration(spec.measuring.window),
            "lag": format_duration(spec.measuring.lag),
        },
        "guards": [_guard(guard) for guard in spec.guards],
        "whenBusy": spec.when_busy.value,
        "alerts": {"onFired": spec.on_alert.value},
        "deadlines": {
            "preflight": format_duration(deadlines.preflight),
            "progress": format_duration(deadlines.progress),
            "otherwise": deadlines.otherwise.value,
        },
        "notifications": [_notification(notification) for notification in spec.notifications],
    }


def _target(target: Target) -> dict[str, Any]:
    region = {"region": target.region} if target.region else {}
    return {
        "name": target.name,
        "kind": target.kind.value,
        "resource": target.resource,
        "slot": target.slot,
        **region,
        "wave": target.wave,
        "version": _probe(target.version),
        "health": {"path": target.health.path, "statuses": list(target.health.statuses)},
    }


def _probe(probe: VersionProbe) -> dict[str, Any]:
    if probe.header is not None:
        return {"path": probe.path, "header": probe.header}
    return {"path": probe.path, "pointer": probe.pointer or ""}


def _canary(canary: Canary) -> dict[str, Any]:
    return {
        "steps": [_step(step) for step in canary.steps],
        "promotion": {"bake": _bake(canary.promotion_bake), **_gate(canary.promotion_gate)},
    }


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


def _guard(guard: Guard) -> dict[str, Any]:
    return {
        "name": guard.name,
        "metric": guard.metric.value,
        **_test(guard.test, _LIMITS[guard.metric]),
        "over": format_duration(guard.over),
        "minimumRequests": guard.minimum_requests,
    }


def _test(test: Threshold | Ratio, limit: Callable[[float], float | str]) -> dict[str, Any]:
    match test:
        case Ratio():
            return {"ratio": {"max": _plain(test.maximum), "slack": limit(test.slack)}}
        case Threshold():
            limits = {"min": test.minimum, "max": test.maximum}
            return {name: limit(value) for name, value in limits.items() if value is not None}


def _notification(notification: Notification) -> dict[str, Any]:
    secret = {"secretSetting": notification.secret_setting} if notification.secret_setting is not None else {}
    topics = [topic.value for topic in notification.topics]
    return {"name": notification.name, "url": notification.url, "topics": topics, **secret}
