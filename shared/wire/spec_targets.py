"""The targets of a release spec: each a place of its own where traffic is divided."""

from shared.domain.errors import RejectedError
from shared.domain.names import TargetName
from shared.domain.rollout.spec import HealthCheck, Target, TargetKind, VersionProbe
from shared.wire.findings import Part, refuse_repeats
from shared.wire.resources import normal_resource
from shared.wire.site_id import parse_site_id


def read_targets(part: Part) -> tuple[Target, ...]:
    """Read `targets`. Names are their own, and a site is named once: it divides its traffic once."""
    targets = part.children()
    read = tuple(_read_target(target) for target in targets)
    names = tuple(target.child("name") for target in targets)
    sites = tuple(target.child("resource") for target in targets)
    refuse_repeats(names, lambda name: name.value, "allowed is a name that no target before it has")
    refuse_repeats(
        sites,
        lambda site: normal_resource(site.value),
        "allowed is a site that no target before it has: a site divides its traffic once",
    )
    return read


def _read_target(part: Part) -> Target:
    return Target(
        name=TargetName(part.child("name").read(str, "")),
        kind=part.child("kind").read(TargetKind, TargetKind.APP_SERVICE_SLOT),
        resource=part.child("resource").read(_site, ""),
        slot=part.child("slot").read(str, ""),
        region=part.child("region").read(str, ""),
        wave=part.child("wave").read(int, 1),
        version=_read_probe(part.child("version")),
        health=_read_health(part.child("health")),
    )


def _site(text: str) -> str:
    try:
        parse_site_id(text)
    except RejectedError as error:
        raise ValueError(
            "allowed is a site's id, /subscriptions/<guid>/resourceGroups/<group>/providers/Microsoft.Web/sites/<site>"
        ) from error
    return text


def _read_probe(part: Part) -> VersionProbe:
    default = VersionProbe()
    path = part.child("path").read(str, default.path)
    header = part.child("header")
    if header.exists:
        return VersionProbe(path=path, header=header.read(str, ""), pointer=None)
    return VersionProbe(path=path, pointer=part.child("pointer").read(str, default.pointer or ""))


def _read_health(part: Part) -> HealthCheck:
    default = HealthCheck()
    statuses = part.child("statuses")
    return HealthCheck(
        path=part.child("path").read(str, default.path),
        statuses=tuple(status.read(int, 0) for status in statuses.children()) or default.statuses,
    )
