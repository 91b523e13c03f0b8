"""What people and machines are shown of an application and of a rollout."""

import hashlib
from datetime import datetime

from shared.domain.analysis.judgement import Evidence
from shared.domain.names import ApplicationName
from shared.domain.rollout.commands import Deploy
from shared.domain.rollout.membership import stage_in_words
from shared.domain.rollout.plan import AwaitApproval, AwaitRelease, Compare, Prepare, Promote, RunHook, Shift, Step
from shared.domain.rollout.spec import Located
from shared.domain.rollout.state import Application, Phase, Rollout, TargetState
from shared.domain.rollout.weight import to_percent
from shared.wire.experiment_view import experiment_step_view, rollout_experiment_view
from shared.wire.hook_views import hook_view
from shared.wire.pins import pinned_note

SHARDS = 16
_WAITS_FOR_UNFREEZE = "the application is frozen: it begins when that is over"


def shard_of(name: str) -> str:
    """Return the group of the list of applications that this one's line is kept in."""
    return f"{int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % SHARDS:02d}"


def application_summary(application: Application) -> dict[str, object]:
    """Return an application's line in the list."""
    live = application.live
    return {
        "application": application.name,
        "phase": _phase(live) if live else "idle",
        "version": application.serving.version if application.serving else None,
        "candidate": live.version if live else None,
        "weight": to_percent(live.weight) if live else 0,
        "rollout": live.id if live else None,
        "frozen": _freeze(application),
        "last": _last(application),
    }


def _freeze(application: Application) -> dict[str, object] | None:
    frozen = application.frozen
    return {"reason": frozen.reason, "by": frozen.by, "since": _time(frozen.since)} if frozen else None


def application_view(application: Application, spec: dict[str, object] | None) -> dict[str, object]:
    """Return everything about an application but its history."""
    frozen, warm = application.frozen, application.way_back
    return {
        **application_summary(application),
        "live": rollout_view(application.live, frozen=frozen is not None) if application.live else None,
        "pending": rollout_view(application.pending, frozen=frozen is not None) if application.pending else None,
        "warm": {"version": warm.version, "until": _time(warm.until)} if warm else None,
        "duties": [{"rollout": run.rollout, **hook_view(run)} for run in application.duties],
        "pinning": [
            {"target": each.target, "pinned": each.pinned, "says": each.says, "at": _time(each.at)}
            for each in application.pinning
        ],
        "spec_revision": application.spec_revision,
        "spec": spec,
    }


def rollout_view(rollout: Rollout, *, frozen: bool = False) -> dict[str, object]:
    """Return a rollout as `GET /api/rollouts/{id}` shows it; weights are percentages."""
    step = rollout.plan[rollout.step] if rollout.plan and rollout.step >= 0 else None
    is_held = frozen and not rollout.phase.is_terminal and not rollout.despite_freeze
    return {
        "id": rollout.id,
        "application": rollout.application,
        "version": rollout.version,
        "attempt": rollout.attempt,
        "phase": _phase(rollout),
        "doing": rollout.doing,
        "step": rollout.step if step else None,
        "plan": [step_view(entry) for entry in rollout.plan],
        "weight": to_percent(rollout.weight),
        "targets": [_target(rollout, target) for target in rollout.targets],
        "guards": [_guard(target, evidence) for target in rollout.targets for evidence in _evidence(target)],
        "experiment": rollout_experiment_view(rollout),
        "reason": rollout.reason or (_WAITS_FOR_UNFREEZE if is_held and rollout.phase is Phase.PENDING else ""),
        "source": rollout.source,
        "origin": rollout.origin,
        "release": rollout.member.membership.release if rollout.member else None,
        "requested": _time(rollout.requested),
        "started": _time(rollout.started),
        "ended": _time(rollout.ended),
        "frozen": is_held,
        "stuck": rollout.stuck,
        "paused": {"by": rollout.paused.by, "reason": rollout.paused.reason} if rollout.paused else None,
        "gate": step.gate.name if isinstance(step, AwaitApproval) and rollout.phase is Phase.WAITING else None,
        "gate_deadline": _time(rollout.gate_deadline),
        "hook": hook_view(rollout.hook) if rollout.hook else None,
        "pinned_until": _time(rollout.pinned_until),
        "pinned_requests": rollout.pinned_requests,
        "pinned_note": pinned_note(rollout),
        "links": {"history": f"/api/rollouts/{rollout.id}/history"},
    }


def accepted_view(application: ApplicationName, deploy: Deploy, requested: datetime) -> dict[str, object]:
    """Return a rollout that was accepted and whose turn to be decided has not come."""
    return rollout_view(
        Rollout(
            id=deploy.rollout,
            application=application,
            version=deploy.version,
            requested=requested,
            source=deploy.source,
        )
    )


def step_view(step: Step) -> dict[str, object]:
    """Return one entry of a plan."""
    match step:
        case AwaitApproval():
            gate = step.gate
            return {"gate": gate.name, "timeout_seconds": gate.timeout.total_seconds(), "otherwise": gate.otherwise}
        case RunHook():
            hook = step.hook
            return {
                "hook": hook.name,
                "stage": hook.at,
                "timeout_seconds": hook.timeout.total_seconds(),
                "otherwise": hook.otherwise,
                "no_return": hook.no_return,
            }
        case AwaitRelease():
            return {"awaits_release": stage_in_words(step.stage)}
        case Prepare():
            within = step.most.total_seconds()
            return {"prepares_swap": True, "timeout_seconds": within, "otherwise": step.otherwise}
        case Shift():
            return {"weight": to_percent(step.weight), **_bake(step)}
        case Compare():
            return {"experiment": experiment_step_view(step), "weight": to_percent(step.weight)}
        case Promote():
            return {"promote": True, "weight": 100, "hold_back": to_percent(step.hold_back), **_bake(step)}


def _bake(step: Shift | Promote) -> dict[str, object]:
    bake = step.bake
    return {
        "bake_min_seconds": bake.minimum.total_seconds(),
        "bake_max_seconds": bake.maximum.total_seconds(),
        "otherwise": bake.otherwise,
    }


def _phase(rollout: Rollout) -> str:
    return "stuck" if rollout.stuck is not None else rollout.phase


def _target(rollout: Rollout, target: TargetState) -> dict[str, object]:
    spec = next((t for t in rollout.spec.targets if t.name == target.name), None) if rollout.spec else None
    return {
        "name": target.name,
        "kind": spec.kind if spec else None,
        "resource": spec.resource if spec else None,
        "region": spec.region if spec else "",
        "wave": spec.wave if spec else 1,
        "wanted": to_percent(target.wanted),
        "proven": to_percent(target.proven),
        "observed": to_percent(target.observed) if target.observed is not None else None,
        "production_serves": target.side,
        "stable_version": target.stable_version,
        "places": _places(target.located),
        **_judgement(target),
    }


def _places(located: Located | None) -> dict[str, object] | None:
    """Return where the versions were found, where that is not fixed."""
    if located is None:
        return None
    return {
        "stable": located.stable,
        "candidate": located.candidate,
        "settles_seconds": located.settles.total_seconds(),
        "pins_seconds": located.pins.total_seconds(),
        "says": located.says,
    }


def _judgement(target: TargetState) -> dict[str, object]:
    """Return what all guards of a target say together."""
    judgement = target.judgement
    return {
        "verdict": judgement.verdict if judgement else None,
        "odds": judgement.odds if judgement else None,
        "holds": judgement.holds if judgement else "",
        "lacks_traffic": judgement is not None and judgement.lacks_traffic,
        "concern": judgement.concern if judgement else None,
    }


def _evidence(target: TargetState) -> tuple[Evidence, ...]:
    return target.judgement.evidence if target.judgement else ()


def _guard(target: TargetState, evidence: Evidence) -> dict[str, object]:
    return {
        "target": target.name,
        "guard": evidence.guard,
        "verdict": evidence.verdict,
        "says": evidence.says,
        "value": evidence.value,
        "limit": evidence.limit,
        "reference": evidence.reference,
        "requests": evidence.requests,
        "odds": evidence.odds,
        "p_value": evidence.p_value,
        "interval": list(evidence.interval) if evidence.interval else None,
        "smallest_visible": evidence.smallest_visible,
        "windows": evidence.windows,
        "decides": evidence.decides,
    }


def _last(application: Application) -> dict[str, object] | None:
    last = application.last
    return {"rollout": last.rollout, "version": last.version, "phase": last.phase} if last else None


def shown_time(at: datetime) -> str:
    """Return a time in UTC as the API writes it, with a Z."""
    return at.isoformat().replace("+00:00", "Z")


def _time(at: datetime | None) -> str | None:
    return shown_time(at) if at else None
