"""Finding the revision that serves users and the one that is to be released."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from shared.adapters.container_apps.app import App, Found
from shared.adapters.container_apps.apps import ContainerApps
from shared.adapters.container_apps.revision import Revision
from shared.adapters.container_apps.traffic import follows_latest, weights_of, with_shares
from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.names import Version
from shared.domain.rollout.spec import Located, Target

_PINNED = timedelta(hours=1)
_STICKY = (
    "session affinity is on: clients may stay with a revision by a cookie that ends with their browser's session, "
    "at a time that nobody knows; 1 hour is assumed, as for slots"
)


class ContainerAppPlaces:
    """The `PlaceFinder` of Container Apps.

    An app divides traffic only if several revisions can be active, and holds a new revision back only if its traffic
    goes to revisions by name: with `latestRevision: true` a new one gets everyone as soon as it is ready. An app that
    is not so is refused with the fix, or made so where the target `converts`.
    """

    def __init__(self, apps: ContainerApps) -> None:
        self._apps = apps

    def find_places(self, target: Target, candidate: Version) -> Located:
        """Return the names of two revisions: the one with the largest share, and the candidate's.

        That is the one that bears the version in its name or as the tag or digest of an image, otherwise the newest
        one that is active and gets no traffic. Where the version serves already, both are the same revision.
        """
        app = self._apps.open(target)
        found, revisions, said = _pin(app, target)
        weights = weights_of(found.traffic, found.latest_ready)
        stable = _find_stable(app, revisions, weights)
        waits = _find_candidate(app, revisions, stable, candidate)
        says = [*said, *_others(weights, stable, waits), *([_STICKY] if found.sticky else ())]
        if waits is stable:
            says.append(f"{stable.name} is {candidate}, and serves already")
        return Located(
            stable=stable.name,
            candidate=waits.name,
            pins=_PINNED if found.sticky else timedelta(0),
            says="; ".join(says),
        )

    def pin_traffic(self, target: Target) -> str:
        """Make an app fit to hold new revisions back, without moving any user; return what was changed, if anything.

        For the moment when a target becomes known, so that the very next revision waits. Raises as `find_places`.
        """
        _, _, said = _pin(self._apps.open(target), target)
        return "; ".join(said)


def _pin(app: App, target: Target) -> tuple[Found, tuple[Revision, ...], list[str]]:
    """Return the app with its traffic by name, its revisions, and what was changed for that."""
    found = app.read()
    lacks = _lacks(found)
    can_be_made_so = found.mode in ("single", "multiple")
    if lacks and not (target.converts and can_be_made_so):
        raise RejectedError(app.says(f"{lacks}{', or say `converts: true` of this target' if can_be_made_so else ''}"))
    if found.is_busy:
        raise TryLaterError(app.says("an update is under way: waiting for its end"))
    revisions = app.list_revisions()
    if not lacks:
        return found, revisions, []
    serving = _latest(app, found, revisions)
    weights = weights_of(found.traffic, serving) if found.divides else {serving: 100}
    traffic = with_shares(found.traffic, weights)
    after = app.update({"activeRevisionsMode": "Multiple", "ingress": {"traffic": traffic}})
    if after.has_failed or not (after.is_busy or (after.divides and not follows_latest(after.traffic))):
        raise TryLaterError(app.says(f"sending its traffic to {serving} by name was taken and is not in force"))
    says = f"its traffic was pinned to {serving}, that served it"
    if not found.divides:
        says = f"it was switched from one revision at a time to several, and {says}"
    return replace(found, mode="multiple", traffic=tuple(traffic)), revisions, [says]


def _lacks(found: Found) -> str:
    """Return why a new revision could not be held back, with the fix; empty when it can."""
    if not found.divides:
        return (
            f"it runs in {found.mode} revision mode, where weights do nothing: set activeRevisionsMode to Multiple "
            "(az containerapp revision set-mode --mode multiple) and send its traffic to a revision by name"
        )
    if follows_latest(found.traffic):
        return (
            "its traffic says latestRevision: true, so a new revision gets it at once: send it to a revision by name "
            f"(az containerapp ingress traffic set --revision-weight {found.latest_ready}=100)"
        )
    return ""


def _latest(app: App, found: Found, revisions: Sequence[Revision]) -> str:
    """Return the revision that has the latest's traffic. While one takes over from another it is neither for sure."""
    has_most = max(revisions, key=lambda each: each.weight, default=None)
    ready = next((each for each in revisions if each.name == found.latest_ready and each.active), None)
    moving = has_most is not None and has_most.weight > (ready.weight if ready else 0)
    if ready is None or (moving and not found.divides):
        raise TryLaterError(app.says("a new revision is taking over: waiting until it is known which one serves"))
    return ready.name


def _find_stable(app: App, revisions: Sequence[Revision], weights: dict[str, int]) -> Revision:
    most = max(weights.values(), default=0)
    names = [name for name, weight in weights.items() if weight == most]
    if len(names) > 1:
        raise RejectedError(
            app.says(f"{' and '.join(sorted(names))} get {most} % each: give most to the one that is stable")
        )
    stable = next((each for each in revisions if each.name in names), None)
    if stable is None:
        raise TryLaterError(app.says(f"its revision {', '.join(names)} is not listed"))
    return stable


def _find_candidate(app: App, revisions: Sequence[Revision], stable: Revision, version: Version) -> Revision:
    others = [each for each in revisions if each is not stable]
    tests: tuple[Callable[[Revision], bool], ...] = (
        lambda each: each.is_named(version),
        lambda each: each.has_image(version),
    )
    for test in tests:
        if fitting := [each for each in others if test(each)]:
            return _ready(app, fitting)
        if test(stable):
            return stable
    waiting = [each for each in others if each.is_up and not each.weight]
    if not waiting:
        raise TryLaterError(
            app.says(f"no revision is {version}, and none is active without traffic: waiting for a new one")
        )
    return _ready(app, [max(waiting, key=lambda each: each.created)])


def _ready(app: App, fitting: Sequence[Revision]) -> Revision:
    """Return the newest that users can be sent to; say of the newest what it lacks when there is none."""
    newest = sorted(fitting, key=lambda each: each.created, reverse=True)
    for each in newest:
        if each.lacks() is None:
            return each
    raise TryLaterError(app.says(f"waiting for its revision: {newest[0].lacks()}"))


def _others(weights: dict[str, int], stable: Revision, candidate: Revision) -> list[str]:
    others = [f"{name} ({weight} %)" for name, weight in weights.items() if name not in (stable.name, candidate.name)]
    return [f"{', '.join(others)} will get nothing with the first weight"] if others else []
