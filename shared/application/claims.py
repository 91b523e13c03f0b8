"""Which application divides the traffic of a resource: one at a time, the one that said so first.

Two applications on one site would set each other's weights back for ever. So each resource has a row of its own,
written only while it is as it was read: of two specs that name it at the same instant one wins. The row says who, and
that application itself says whether it still uses the resource; so a row that was left behind holds nobody up for long.
Specs that were stored before there were such rows are found by the look-up rows of resources, and have their say too.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from shared.application import aggregate as aggregates
from shared.application.publish import owners
from shared.domain.errors import RejectedError, SlipwayError, TryLaterError, VersionConflictError
from shared.domain.names import ApplicationName, TargetName, application_key
from shared.domain.rollout.preflight import clash_in_words
from shared.domain.rollout.spec import Spec, Target
from shared.domain.rollout.state import Application
from shared.ports.clock import Clock
from shared.ports.rollout_store import Change, RolloutStore
from shared.ports.view_index import ViewIndex
from shared.wire.claims import Claim, read_claim, write_claim
from shared.wire.resources import normal_resource, resource_group

STANDS_AT_LEAST = timedelta(minutes=5)
"""A claim is not taken over before, used or not: the spec that it was made for may be about to be stored. Longer than
any handler may run (`functionTimeout`)."""
CONFLICTS_AT_MOST = 10

log = logging.getLogger("slipway.claims")


@dataclass(frozen=True, slots=True)
class HeldClaim:
    """A claim as it was read or written: it can be given back as long as nobody wrote it since."""

    claim: Claim
    etag: str


@dataclass(frozen=True, slots=True)
class Claims:
    """One point read a target, and a write where something changes. Raises `TryLaterError` for an unwell store."""

    store: RolloutStore
    index: ViewIndex
    clock: Clock

    def take(self, state: Application, spec: Spec) -> None:
        """Claim every target of a spec that is about to be stored for this application, or none.

        Raises `RejectedError` that names the field and the other application where one of them is another's.
        """
        taken: list[HeldClaim] = []
        try:
            for index, target in enumerate(spec.targets):
                held = self._take(state, target, f"targets[{index}].resource")
                taken += [held] if held is not None else []
        except SlipwayError:
            self.give_back(taken)
            raise

    def dropped(self, state: Application, spec: Spec) -> tuple[HeldClaim, ...]:
        """Return the claims that `spec` leaves, and the rollout that is watched too. Read them before the spec is
        stored, and give them back after: a spec that names them again meanwhile writes them, and keeps them so."""
        watched = state.watched.spec if state.watched else None
        kept = {normal_resource(target.resource) for each in (spec, watched) if each for target in each.targets}
        before = state.spec.targets if state.spec else ()
        held = (self._held(target.resource) for target in before if normal_resource(target.resource) not in kept)
        return tuple(each for each in held if each is not None and each.claim.owner == state.name)

    def give_back(self, held: Iterable[HeldClaim]) -> None:
        """Let others have these. Never raises: what is not given back is taken over a little later."""
        for each in held:
            try:
                self._write(each.claim.resource, None, each.etag)
            except SlipwayError as error:
                log.warning("the claim on %s is not given back: %s", each.claim.resource, error)

    def other(self, name: ApplicationName, resource: str) -> ApplicationName | None:
        """Return the application that divides this resource's traffic, where that is not the one that asks."""
        held = self._held(resource)
        owner = held.claim.owner if held is not None else None
        if owner is None or owner == name:
            return None
        return owner if self._use(owner, resource) is not None else None

    def clashes(self, spec: Spec) -> tuple[str, ...]:
        """Return a sentence for each target of the spec that another application has."""
        found = ((target.name, self.other(spec.application, target.resource)) for target in spec.targets)
        return tuple(clash_in_words(name, other) for name, other in found if other is not None)

    def _take(self, state: Application, target: Target, path: str) -> HeldClaim | None:
        """Claim one target; None where it was the application's already: another spec of it may be about to use it."""
        for _ in range(CONFLICTS_AT_MOST):
            held = self._held(target.resource)
            owner = held.claim.owner if held is not None else None
            if owner == state.name and using(state, target.resource) is not None:
                return None
            if held is not None and owner is not None and owner != state.name:
                self._refuse_other(held.claim, owner, target, path)
            if held is None:
                self._refuse_older(state.name, target, path)
            try:
                taken = self._write(target.resource, state.name, held.etag if held is not None else None)
            except VersionConflictError:
                continue
            return taken if owner != state.name else None
        raise TryLaterError(f"{path} is being claimed by too many at once", after_seconds=1)

    def _refuse_other(self, claim: Claim, owner: ApplicationName, target: Target, path: str) -> None:
        self._refuse_used(owner, target, path)
        left = claim.since + STANDS_AT_LEAST - self.clock.now()
        if left > timedelta(0):
            raise TryLaterError(f"{path} is just being claimed by {owner}", after_seconds=left.total_seconds())

    def _refuse_older(self, name: ApplicationName, target: Target, path: str) -> None:
        """Refuse what nobody has claimed, and an application uses whose spec is older than claims are."""
        for other in owners(self.index, target.resource):
            if other != name:
                self._refuse_used(other, target, path)

    def _refuse_used(self, owner: ApplicationName, target: Target, path: str) -> None:
        used = self._use(owner, target.resource)
        if used is not None:
            raise RejectedError(
                f"{path}: the application {owner} divides the traffic of {target.resource} already, as its target "
                f"{used}; two would set each other's weights back for ever: take it out of the spec of {owner}, which "
                "frees it once no rollout of that is watched there, or name another resource here"
            )

    def _use(self, owner: ApplicationName, resource: str) -> TargetName | None:
        return using(aggregates.load(self.store, application_key(owner)).application, resource)

    def _held(self, resource: str) -> HeldClaim | None:
        loaded = self.store.load(_key(resource))
        if loaded.document is None or loaded.etag is None:
            return None
        return HeldClaim(read_claim(loaded.document), loaded.etag)

    def _write(self, resource: str, owner: ApplicationName | None, etag: str | None) -> HeldClaim:
        claim = Claim(resource=normal_resource(resource), owner=owner, since=self.clock.now())
        return HeldClaim(claim, self.store.commit(Change(key=_key(resource), etag=etag, document=write_claim(claim))))


def using(state: Application, resource: str) -> TargetName | None:
    """Return the target by which an application uses this resource now: by its spec, or by that of the rollout that is
    watched, whose weights are put right for a while after its end too."""
    wanted = normal_resource(resource)
    targets = (target for spec in _specs(state) for target in spec.targets)
    return next((target.name for target in targets if normal_resource(target.resource) == wanted), None)


def _specs(state: Application) -> Iterator[Spec]:
    for spec in (state.spec, state.watched.spec if state.watched else None):
        if spec is not None:
            yield spec


def _key(resource: str) -> str:
    return f"claim:{resource_group(resource)}"
