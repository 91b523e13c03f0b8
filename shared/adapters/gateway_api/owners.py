"""Who else writes a route's rules: tools that put back what Git, a chart or an object of theirs says.

`rules` is an atomic list in the API, so nobody can own one weight of it: a tool that applies the route would undo each
share. It must leave the rules alone first. The route itself cannot show that it does, so whoever has arranged it says
so by an annotation; Flux's own marks are taken as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.adapters.gateway_api.route import Route

LEFT_ALONE: Final = "slipway/divides"
"""The annotation that says so, with the value "true"."""
_FLUX_MARKS: Final = {
    "kustomize.toolkit.fluxcd.io/ssa": ("ifnotpresent", "ignore"),
    "kustomize.toolkit.fluxcd.io/reconcile": ("disabled",),
}
_THEN: Final = f'annotate the route with {LEFT_ALONE}: "true"'


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tool:
    name: str
    writers: tuple[str, ...]
    """Its field managers, by which it is known when it owns the rules."""
    marks: tuple[str, ...]
    """Labels or annotations that it puts on what it applies."""
    fix: str


_TOOLS: Final = (
    _Tool(
        name="Argo CD",
        writers=("argocd-controller",),
        marks=("argocd.argoproj.io/tracking-id", "argocd.argoproj.io/instance"),
        # An ignored weight within the list would keep Argo CD from ever syncing the list's element: argo-cd#25284.
        fix="give its Application ignoreDifferences with jsonPointers [/spec/rules] for this HTTPRoute, and the "
        "syncOptions RespectIgnoreDifferences=true and ServerSideApply=true",
    ),
    _Tool(
        name="a Flux HelmRelease",
        writers=("helm-controller",),
        marks=("helm.toolkit.fluxcd.io/name",),
        fix="give it driftDetection.ignore with paths [/spec/rules] for this HTTPRoute, and keep upgrades of its chart "
        "from changing the rules",
    ),
    _Tool(
        name="Flux",
        writers=("kustomize-controller",),
        marks=("kustomize.toolkit.fluxcd.io/name",),
        fix="annotate it in Git and in the cluster with kustomize.toolkit.fluxcd.io/ssa: IfNotPresent, or give its "
        "Kustomization, where its Flux knows that, spec.ignore with paths [/spec/rules] for this HTTPRoute",
    ),
    _Tool(
        name="Helm",
        writers=("helm",),
        marks=("meta.helm.sh/release-name",),
        fix="keep upgrades of its chart from changing the rules",
    ),
)


def find_other_owner(route: Route) -> str | None:
    """Return who else writes the rules, with what to do about it; None where nobody does, or leaves them alone."""
    if route.annotations.get(LEFT_ALONE) == "true":
        return None
    if route.controller:
        return (
            f"{route.controller} made this route and goes on writing it: divide a route of your own, or, where it "
            f"leaves the rules alone, {_THEN}"
        )
    tool = next((tool for tool in _TOOLS if _applies(tool, route)), None)
    if tool is None or _has_flux_mark(route.annotations):
        return None
    return f"{tool.name} applies this route and would put its weights back: {tool.fix}; then {_THEN}"


def _applies(tool: _Tool, route: Route) -> bool:
    return any(writer in tool.writers for writer in route.rules_writers) or any(
        mark in route.labels or mark in route.annotations for mark in tool.marks
    )


def _has_flux_mark(annotations: Mapping[str, str]) -> bool:
    return any(annotations.get(name, "").lower() in values for name, values in _FLUX_MARKS.items())
