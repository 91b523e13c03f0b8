"""The targets of a release spec: each a place of its own where traffic is divided."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from shared.domain.errors import RejectedError
from shared.domain.names import TargetName, VariantName
from shared.domain.rollout.spec import HealthCheck, NamedPlace, Target, TargetKind, VersionProbe
from shared.wire.durations import format_duration, parse_duration
from shared.wire.findings import Part, found, refuse_repeats
from shared.wire.flag_split import parse_flag_split
from shared.wire.quantities import parse_milliseconds
from shared.wire.resource_id import parse_resource_id
from shared.wire.resources import normal_resource
from shared.wire.route_url import parse_route_url
from shared.wire.site_id import parse_site_id
from shared.wire.spec_measuring import refuse_duration

LONGEST_EVERY: Final = timedelta(minutes=5)


def read_targets(part: Part) -> tuple[Target, ...]:
    """Read `targets`. Names are their own, and what divides traffic is named once: it divides it once."""
    targets = part.children()
    read = tuple(_read_target(target) for target in targets)
    names = tuple(target.child("name") for target in targets)
    sites = tuple(target.child("resource") for target in targets)
    refuse_repeats(names, lambda name: name.value, "allowed is a name that no target before it has")
    refuse_repeats(
        sites,
        lambda site: normal_resource(site.value),
        "allowed is a resource that no target before it has: it divides its traffic once",
    )
    return read


def _read_target(part: Part) -> Target:
    kind = part.child("kind").read(TargetKind, TargetKind.APP_SERVICE_SLOT)
    _refuse_foreign_fields(part, kind)
    return Target(
        name=TargetName(part.child("name").read(str, "")),
        kind=kind,
        resource=part.child("resource").read(_RESOURCES[kind], ""),
        slot=part.child("slot").read(str, ""),
        variant=part.child("variant").read(VariantName, None),
        places=_read_places(part.child("places")),
        converts=part.says("converts"),
        swap_with_preview=part.says("swapWithPreview"),
        region=part.child("region").read(str, ""),
        wave=part.child("wave").read(int, 1),
        version=_read_probe(part.child("version")),
        health=_read_health(part.child("health")),
    )


def _refuse_foreign_fields(part: Part, kind: TargetKind) -> None:
    """Say which fields a kind must have beside the common ones, and which only other kinds have."""
    if not (part.child("kind").exists and part.child("kind").is_sound):
        return
    for field, kinds in _FIELDS_OF_KINDS.items():
        given = part.child(field)
        if kind not in kinds and given.exists and given.value is not False:
            given.refuse(
                f"{found(given.path, given.value)}targets of kind {kind} have none; allowed is to leave it out"
            )
        elif kind in kinds and not given.exists and field not in _OPTIONAL_FIELDS:
            given.refuse("is missing")


def _read_places(part: Part) -> tuple[NamedPlace, ...]:
    places = part.children()
    names = tuple(place.child("name") if isinstance(place.value, dict) else place for place in places)
    refuse_repeats(names, lambda name: name.value, "allowed is another name than the first one's")
    return tuple(
        NamedPlace(name=name.read(str, ""), host=place.child("host").read(str, ""))
        for place, name in zip(places, names, strict=True)
    )


def _site(text: str) -> str:
    allowed = (
        "allowed is a site's id, /subscriptions/<guid>/resourceGroups/<group>/providers/Microsoft.Web/sites/<site>"
    )
    try:
        parse_site_id(text)
    except RejectedError as error:
        raise ValueError(allowed) from error
    if text.endswith("/"):
        raise ValueError(allowed)
    return text


def _of_type(provider: str, type_name: str) -> Callable[[str], str]:
    def resource(text: str) -> str:
        allowed = f"allowed is /subscriptions/<guid>/resourceGroups/<group>/providers/{provider}/{type_name}/<name>"
        try:
            found_kind = parse_resource_id(text).kind
        except RejectedError as error:
            raise ValueError(allowed) from error
        if found_kind != f"{provider}/{type_name}".lower() or text.endswith("/"):
            raise ValueError(allowed)
        return text

    return resource


def _route(text: str) -> str:
    try:
        parse_route_url(text)
    except RejectedError as error:
        raise ValueError(
            "allowed is https://<server>/apis/gateway.networking.k8s.io/v1/namespaces/<namespace>/httproutes/<name>"
        ) from error
    return text


def _split(text: str) -> str:
    try:
        parse_flag_split(text)
    except RejectedError as error:
        raise ValueError(
            "allowed is flag:<environment>/<key>, with #rule:<id> or #region:<region> behind it where not the flag's "
            "own default is driven"
        ) from error
    return text


_RESOURCES: Final[dict[TargetKind, Callable[[str], str]]] = {
    TargetKind.APP_SERVICE_SLOT: _site,
    TargetKind.CONTAINER_APP: _of_type("Microsoft.App", "containerApps"),
    TargetKind.TRAFFIC_MANAGER: _of_type("Microsoft.Network", "trafficManagerProfiles"),
    TargetKind.HTTP_ROUTE: _route,
    TargetKind.FEATURE_FLAG: _split,
}
_PROBED: Final = frozenset(TargetKind) - {TargetKind.FEATURE_FLAG}
"""A variant is no place that could be asked over HTTP."""
_FIELDS_OF_KINDS: Final = {
    "slot": frozenset({TargetKind.APP_SERVICE_SLOT}),
    "places": frozenset({TargetKind.TRAFFIC_MANAGER, TargetKind.HTTP_ROUTE}),
    "converts": frozenset({TargetKind.CONTAINER_APP}),
    "swapWithPreview": frozenset({TargetKind.APP_SERVICE_SLOT}),
    "variant": frozenset({TargetKind.FEATURE_FLAG}),
    "version": _PROBED,
    "health": _PROBED,
}
_OPTIONAL_FIELDS: Final = frozenset({"converts", "swapWithPreview", "variant", "version", "health"})


def _read_probe(part: Part) -> VersionProbe:
    default = VersionProbe()
    path = part.child("path").read(str, default.path)
    header = part.child("header")
    if header.exists:
        return VersionProbe(path=path, header=header.read(str, ""), pointer=None)
    return VersionProbe(path=path, pointer=part.child("pointer").read(str, default.pointer or ""))


def _span_of_answer(value: Any) -> timedelta:
    milliseconds = parse_milliseconds(value)
    if not 1 <= milliseconds <= 5_000:
        raise ValueError("allowed is from 1ms to 5s")
    return timedelta(milliseconds=milliseconds)


def _read_health(part: Part) -> HealthCheck:
    default = HealthCheck()
    statuses = part.child("statuses")
    every = part.child("every").read(parse_duration, default.every)
    if every > LONGEST_EVERY:
        refuse_duration(part.child("every"), every, f"allowed is at most {format_duration(LONGEST_EVERY)}")
    within = part.child("within")
    return HealthCheck(
        path=part.child("path").read(str, default.path),
        more_paths=tuple(path.read(str, "") for path in part.child("morePaths").children()),
        within=within.read(_span_of_answer, None),
        passes=part.child("passes").read(int, default.passes),
        every=every,
        statuses=tuple(status.read(int, 0) for status in statuses.children()) or default.statuses,
    )
