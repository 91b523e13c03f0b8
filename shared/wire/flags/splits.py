"""What is served, in documents of flags: a variant, or a percentage of several."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.domain.flags.model import BY_KEY, WHOLE, FlagType, Hashing, Serve, Share, Split, Variant
from shared.domain.names import VariantName
from shared.wire.findings import Part, closest, found, shown
from shared.wire.flags.members import (
    LONGEST_TEXT,
    attribute,
    attribute_document,
    entries,
    is_object,
    one_of,
    percent_text,
    percentage,
    percentage_of,
    require,
    text,
    whole,
)

MOST_WEIGHT: Final = 2**31 - 1
_SPLIT: Final = ("shares", "by", "seed", "hashing")
IN: Final = VariantName("in")
"""What stands for the members of a segment in the split that its rule's share is."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What the flag that is read can serve."""

    type: FlagType
    variants: tuple[Variant, ...]
    seed: str
    """What a split is seeded with that names nothing else: the key of the flag."""

    @property
    def names(self) -> tuple[VariantName, ...]:
        """The names of its variants."""
        return tuple(variant.name for variant in self.variants)


def read_variant(part: Part, offer: Offer) -> VariantName:
    """Read the name of one of the flag's variants."""
    value = part.value
    if not isinstance(value, str):
        hint = f'; put it in quotes: "{str(value).lower()}"' if isinstance(value, bool | int | float) else ""
        part.refuse(f"{found(part.path, value)}allowed is the name of a variant{hint}")
    elif value not in offer.names:
        near = closest(value, offer.names) or f"; allowed are {', '.join(offer.names[:20])}"
        part.refuse(f"found {shown(value)}, which is no variant of this flag{near}")
    else:
        return VariantName(value)
    return offer.names[0]


def read_serve(part: Part, offer: Offer, *, passes_on: bool) -> Serve:
    """Read what is served. Only a rule passes users on to what stands below it."""
    if not isinstance(part.value, dict):
        return read_variant(part, offer)
    if "percent" in part.value or "of" in part.value:
        return _read_brief(part, offer)
    if not is_object(part, ("split",)) or not require(part.child("split")):
        return offer.names[0]
    return _read_split(part.child("split"), offer, passes_on=passes_on)


def _read_brief(part: Part, offer: Offer) -> Serve:
    """Read `{"percent": 20, "of": "on"}`, which is for flags with two variants: the rest gets the other one."""
    is_object(part, ("percent", "of", "by", "seed"))
    if len(offer.variants) != 2:
        part.refuse(
            f"percent and of are for flags with two variants, this one has {len(offer.variants)}; write a split"
        )
        return offer.names[0]
    if not require(part.child("percent")) or not require(part.child("of")):
        return offer.names[0]
    variant = read_variant(part.child("of"), offer)
    weight = percentage(part.child("percent"))
    [other] = [name for name in offer.names if name != variant] or [variant]
    return Split(
        shares=(Share(variant, weight), Share(other, WHOLE - weight)),
        seed=text(part.child("seed"), longest=LONGEST_TEXT, default=offer.seed, at_least=0),
        by=attribute(part.child("by")),
    )


def _read_split(part: Part, offer: Offer, *, passes_on: bool) -> Serve:
    if not is_object(part, _SPLIT) or not require(part.child("shares")):
        return offer.names[0]
    hashing = Hashing(one_of(part.child("hashing"), list(Hashing), Hashing.SLIPWAY))
    parts = entries(part.child("shares"))
    shares = tuple(_read_share(share, offer, passes_on=passes_on) for share in parts)
    refuse_sum(part.child("shares"), parts, [share.weight for share in shares], hashing)
    return Split(
        shares=shares or (Share(offer.names[0], WHOLE),),
        seed=text(part.child("seed"), longest=LONGEST_TEXT, default=offer.seed, at_least=0),
        by=attribute(part.child("by")),
        hashing=hashing,
    )


def _read_share(part: Part, offer: Offer, *, passes_on: bool) -> Share:
    if not is_object(part, ("variant", "percent", "weight")) or not require(part.child("variant")):
        return Share(offer.names[0], 0)
    variant = part.child("variant")
    if variant.value is None and not passes_on:
        variant.refuse("found nothing (null), which passes users on to the next rule; allowed is a variant here")
    served = None if variant.value is None else read_variant(variant, offer)
    return Share(served, read_weight(part))


def read_weight(part: Part) -> int:
    """Read `percent`, or the `weight` of what was imported."""
    percent, weight = part.child("percent"), part.child("weight")
    if percent.exists == weight.exists:
        part.refuse("allowed is percent, or weight where another product's weights are kept")
        return 0
    return percentage(percent) if percent.exists else whole(weight, at_least=0, at_most=MOST_WEIGHT, default=0)


def refuse_sum(part: Part, shares: Sequence[Part], weights: Sequence[int], hashing: Hashing) -> None:
    """Refuse percentages that are not 100 in all, and weights that are too great."""
    if not shares or not all(share.is_sound for share in shares):
        return
    percents = [share.child("percent").exists for share in shares]
    total = sum(weights)
    if all(percents) and total != WHOLE:
        part.refuse(f"the percentages sum to {percent_text(total)}; they must sum to 100 %")
    elif not all(percents) and any(percents):
        part.refuse("some shares have a percent and others a weight; allowed is one of them for all")
    elif not any(percents) and hashing is Hashing.SLIPWAY and total != WHOLE:
        part.refuse(f"the weights sum to {total}; write percentages, or the hashing of the product they come from")
    elif total > MOST_WEIGHT:
        part.refuse(f"the weights sum to {total}; allowed is at most {MOST_WEIGHT}")


def serve_document(serve: Serve) -> Any:
    """Return what `read_serve` reads."""
    if not isinstance(serve, Split):
        return serve
    is_whole = sum(share.weight for share in serve.shares) == WHOLE
    shares = [
        {"variant": share.variant}
        | ({"percent": percentage_of(share.weight)} if is_whole else {"weight": share.weight})
        for share in serve.shares
    ]
    return {"split": {"shares": shares, **placing_document(serve)}}


def placing_document(split: Split) -> dict[str, Any]:
    """Return the members that say where a user stands on the line."""
    document: dict[str, Any] = {"seed": split.seed}
    if split.by != BY_KEY:
        document["by"] = attribute_document(split.by)
    if split.hashing is not Hashing.SLIPWAY:
        document["hashing"] = split.hashing.value
    return document
