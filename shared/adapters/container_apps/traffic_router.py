"""Dividing an app's traffic between two revisions."""

from shared.adapters.container_apps.app import App, Found
from shared.adapters.container_apps.apps import ContainerApps
from shared.adapters.container_apps.traffic import are_same, share_of, with_shares
from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.rollout.rounding import whole_percent
from shared.domain.rollout.spec import Located, Target
from shared.domain.rollout.weight import ALL, NONE, Weight


class ContainerAppRouter:
    """The `TrafficRouter` of Container Apps.

    Shares are rounded to whole percents (see `whole_percent`). Traffic is one list without a precondition, but the
    platform carries out one update at a time and refuses a second with a conflict, which is a `TryLaterError` here.
    """

    def __init__(self, apps: ContainerApps) -> None:
        self._apps = apps

    def set_share(self, target: Target, share: Weight) -> None:
        """Send `share` to the candidate's revision and the rest to the stable one, by their names; to others nothing.

        Writes only what differs, and keeps labels. Returns when the update is accepted and, if it takes no longer
        than seconds, done: `read_share` tells no share before it is in force.
        """
        located = _located(target)
        app = self._apps.open(target)
        found = app.read()
        if not found.divides:
            raise RejectedError(
                app.says(
                    f"it runs in {found.mode} revision mode, where weights do nothing: set activeRevisionsMode to "
                    "Multiple (az containerapp revision set-mode --mode multiple)"
                )
            )
        percent = whole_percent(share)
        wanted = with_shares(found.traffic, {located.stable: 100 - percent, located.candidate: percent})
        # After a failed update what is told may not be in force, so it is written again.
        if are_same(found.traffic, wanted) and not found.has_failed:
            return
        after = app.update({"ingress": {"traffic": wanted}})
        if after.has_failed or not (after.is_busy or are_same(after.traffic, wanted)):
            raise TryLaterError(
                app.says(
                    f"the update to {percent} % for {located.candidate} was taken and is not in force: {_why(after)}"
                )
            )

    def read_share(self, target: Target) -> Weight:
        """Return the share that the candidate's revision has.

        Raises `TryLaterError` while an update of the app is under way: what is told then is only what is wanted.
        """
        located = _located(target)
        app = self._apps.open(target)
        found = app.read()
        if found.is_busy:
            raise TryLaterError(app.says("an update is under way, and until it ends nobody tells how traffic divides"))
        if located.candidate == located.stable:
            return NONE  # the version that is to be released serves already: there is nothing to divide
        told = _share(found, located.candidate)
        return _in_force(app, located.candidate, told) if found.has_failed else told


def _share(found: Found, revision: str) -> Weight:
    if not found.divides:
        return ALL if revision == found.latest_ready else NONE
    return share_of(found.traffic, revision, found.latest_ready)


def _in_force(app: App, revision: str, told: Weight) -> Weight:
    """Return what the app tells, if its revision tells the same: the last update failed, so they may differ."""
    has = Weight(app.read_revision(revision).weight * 1000)
    if has != told:
        raise TryLaterError(
            app.says(f"its last update failed: it tells {told // 1000} % for {revision}, which has {has // 1000} %")
        )
    return has


def _why(after: Found) -> str:
    return "it failed, and the app's activity log says why" if after.has_failed else "the app tells other shares"


def _located(target: Target) -> Located:
    if target.located is None:
        raise RejectedError(f"{target.name}: its revisions are not known yet: a preflight finds them")
    return target.located
