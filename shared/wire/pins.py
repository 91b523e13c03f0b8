"""What is said of users whom a routing cookie still holds at a slot after the end of a rollout, and what ends that."""

from shared.domain.rollout.state import Phase, Rollout

GUIDE = "docs/guides/app-service.md, Pinned users"


def pinned_note(rollout: Rollout) -> str | None:
    """Say which version pinned users may meet, where, until when, and what ends it sooner; None where nobody can be.

    Slipway does nothing of that by itself: it deploys no versions, a swap would bring the one that was taken back to
    everyone, and a slot that is stopped fails the users who are pinned to it.
    """
    if rollout.pinned_until is None or rollout.spec is None:
        return None
    swapped = [target for target in rollout.targets if target.swaps]
    if not swapped:
        return None
    slots = [rollout.spec.target(target.name).slot for target in swapped]
    before = next((target.stable_version for target in rollout.targets if target.stable_version), None)
    other = f"version {before}" if before else "the version before"
    left = " or ".join(dict.fromkeys(f"version {target.replaced_by or rollout.version}" for target in swapped))
    met, wanted = (other, f"version {rollout.version}") if rollout.phase is Phase.SUCCEEDED else (left, other)
    where = f"slot {slots[0]}" if len(set(slots)) == 1 else f"slots {', '.join(dict.fromkeys(slots))}"
    return (
        f"users whom the cookie x-ms-routing-name pins to {where} may meet {met} there until "
        f"{rollout.pinned_until:%Y-%m-%d %H:%M:%S} UTC; putting {wanted} into it ends that at once ({GUIDE})"
    )
