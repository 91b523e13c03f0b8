"""What is wrong with what is served: a variant that is none, a split that leads nowhere."""

from collections.abc import Collection, Iterator

from shared.domain.flags.findings import Finding, attribute_findings
from shared.domain.flags.model import WHOLE, Hashing, Serve, Split
from shared.domain.names import VariantName

MOST_WEIGHT = 2**31 - 1
"""flagd's limit for the sum of weights, and ours."""


def serve_findings(serve: Serve, path: str, variants: Collection[VariantName], *, passes_on: bool) -> Iterator[Finding]:
    """Return what is wrong with it. Only a rule passes users on to what stands below it."""
    if not isinstance(serve, Split):
        yield from variant_findings(serve, path, variants)
        return
    yield from split_findings(serve, f"{path}.split")
    for index, share in enumerate(serve.shares):
        where = f"{path}.split.shares[{index}].variant"
        if share.variant is not None:
            yield from variant_findings(share.variant, where, variants)
        elif not passes_on:
            yield Finding(where, "passes users on, which only a rule does; allowed is a variant")


def variant_findings(variant: VariantName, path: str, variants: Collection[VariantName]) -> Iterator[Finding]:
    """Return that the flag has no such variant, where that is so."""
    if variant not in variants:
        yield Finding(path, f"{variant!r:.80} is no variant of this flag; allowed are {', '.join(list(variants)[:20])}")


def split_findings(split: Split, path: str) -> Iterator[Finding]:
    """Return what is wrong with the weights and with what places users."""
    yield from attribute_findings(split.by, f"{path}.by")
    weights = [share.weight for share in split.shares]
    total = sum(weights)
    if not weights:
        yield Finding(f"{path}.shares", "has no shares; allowed is at least one")
    elif min(weights) < 0 or total > MOST_WEIGHT:
        yield Finding(
            f"{path}.shares",
            f"the weights are {min(weights)} or more, {total} in all; allowed are 0 or "
            f"more, and at most {MOST_WEIGHT} in all",
        )
    elif split.hashing is Hashing.SLIPWAY and total != WHOLE:
        yield Finding(f"{path}.shares", f"the weights sum to {total}; allowed is 100 %, {WHOLE}", breaks=False)
