"""What a target of kind `feature-flag` names."""

from shared.domain.errors import RejectedError
from shared.domain.flags.split_names import SplitName
from shared.domain.names import VariantName
from shared.domain.rollout.spec import Located, Mover, Target
from shared.wire.flag_split import parse_flag_split


def split_of(target: Target) -> SplitName:
    """Return the split. Raises `RejectedError` when the target's resource names none."""
    return parse_flag_split(target.resource)


def located(target: Target) -> Located:
    """Return the variants. Raises `RejectedError` before a preflight has found them."""
    if target.located is None:
        raise RejectedError(f"{target.name}: its variants are not known yet: a preflight finds them")
    return target.located


def variants_of(target: Target) -> tuple[VariantName, VariantName]:
    """Return the stable variant and the candidate."""
    found = located(target)
    return VariantName(found.stable), VariantName(found.candidate)


def mover_of(target: Target) -> Mover:
    """Return the rollout that this is done for. Raises `RejectedError` when there is none: nobody else may."""
    if target.mover is None:
        raise RejectedError(f"{target.name}: a flag is driven by a rollout, and by nobody else")
    return target.mover
