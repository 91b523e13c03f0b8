"""Finding and looking at the two variants of a split."""

from datetime import timedelta

from shared.adapters.flags.splits import mover_of, split_of, variants_of
from shared.domain.errors import TryLaterError
from shared.domain.flags.managing.rolling_out import RollingOut, find_variants, has_variant, version_of
from shared.domain.names import VariantName, Version
from shared.domain.rollout.spec import Located, Place, Target
from shared.ports.driven_flags import DrivenFlags
from shared.ports.place_probe import Health


class FlagPlaces:
    """The `PlaceFinder` of flags: a variant is an immutable place, for nobody may change its value meanwhile."""

    def __init__(self, flags: DrivenFlags, max_age: timedelta) -> None:
        """`max_age`: how old the flags may be that a worker serves."""
        self._flags = flags
        self._max_age = max_age

    def find_places(self, target: Target, candidate: Version) -> Located:
        """Return the variant that most users get, and the one that is rolled out."""
        split, mover = split_of(target), mover_of(target)
        wanted = RollingOut(rollout=mover.rollout, version=candidate, variant=target.variant, returns=mover.returns)
        found = find_variants(self._flags.state(split), split, wanted)
        return Located(stable=found.stable, candidate=found.candidate, settles=self._max_age)


class FlagProbe:
    """The `PlaceProbe` of flags. Nobody can be asked which version a variant is: it stands for the rollout's."""

    def __init__(self, flags: DrivenFlags) -> None:
        self._flags = flags

    def read_version(self, target: Target, place: Place) -> Version:
        """Return the rollout's version for the candidate's variant, and what the stable one was rolled out as."""
        split, mover = split_of(target), mover_of(target)
        stable, candidate = variants_of(target)
        state = self._flags.state(split)
        variant = candidate if place is Place.CANDIDATE else stable
        if not has_variant(state, variant):
            raise TryLaterError(f"{split.in_words} has no variant {variant} any more")
        return mover.version if variant == candidate else version_of(state, split, VariantName(stable))

    def read_health(self, target: Target, place: Place) -> Health:
        """A variant is served by whoever evaluates the flag: there is nothing to ask."""
        stable, candidate = variants_of(target)
        return Health(healthy=True, detail=f"variant {candidate if place is Place.CANDIDATE else stable} is there")
