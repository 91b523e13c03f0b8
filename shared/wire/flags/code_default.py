"""The variant that stands for what an application's code has as its own default; its value is null."""

from typing import Final

from shared.domain.flags.model import Variant
from shared.domain.names import VariantName

NAME: Final = "code-default"


def with_code_default(variants: tuple[Variant, ...]) -> tuple[tuple[Variant, ...], VariantName]:
    """Return the variants with one whose value is null, and its name."""
    for variant in variants:
        if variant.value is None:
            return variants, variant.name
    taken = {variant.name for variant in variants}
    free = next(name for n in range(1, len(taken) + 2) if (name := NAME if n == 1 else f"{NAME}-{n}") not in taken)
    return (*variants, Variant(VariantName(free), None)), VariantName(free)
