"""What users of a flag's variants met, as an application reports it: by flag and variant, in windows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from shared.domain.analysis.measurement import Sample
from shared.domain.flags.split_names import SplitName
from shared.domain.names import EnvironmentName, FlagKey, VariantName
from shared.wire.findings import Part, found
from shared.wire.flags.members import FLAG_KEY, LONGEST_KEY, LONGEST_NAME, REGION
from shared.wire.observations import read_sender, read_window
from shared.wire.observed_sample import SAMPLE_FIELDS, read_sample, refuse_others, required
from shared.wire.one_or_several import place_of, read_one_or_several

VARIANTS_AT_MOST: Final = 20
"""So many variants one report may tell of."""
_FIELDS: Final = ("flag", "environment", "rule", "region", "window", "seconds", "sender", "variants")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedFlag:
    """What one sender saw of one split of a flag in one window; `place` is where it stands in the request."""

    place: str
    environment: str | None
    """None: the one that is meant where none is named."""
    flag: FlagKey
    rule: str | None
    region: str | None
    start: datetime
    length: timedelta
    sender: str
    variants: tuple[tuple[VariantName, Sample], ...]

    def split_in(self, environment: EnvironmentName) -> SplitName:
        """Return the split that this is about."""
        return SplitName(environment=environment, flag=self.flag, rule=self.rule, region=self.region)


def parse_flag_events(document: Any, *, sender: str) -> tuple[ReportedFlag, ...]:
    """Return the report that the document is, or all under its member `events`.

    `sender` is who sends where a report does not say. Raises `InvalidError` naming each field that is wrong: then none
    of them is taken.
    """
    return read_one_or_several(document, "events", "reports", lambda part: _reported(part, sender))


def _reported(part: Part, sender: str) -> ReportedFlag:
    refuse_others(part, _FIELDS)
    start, length = read_window(part)
    rule, region = part.child("rule"), part.child("region")
    if rule.exists and region.exists:
        region.refuse("allowed is rule or region, not both: each has a split of its own")
    return ReportedFlag(
        place=place_of(part, "events"),
        environment=part.child("environment").read(_text, None),
        flag=FlagKey(required(part, "flag", _key, "")),
        rule=rule.read(_text, None),
        region=region.read(_region, None),
        start=start,
        length=length,
        sender=read_sender(part, sender),
        variants=tuple(_variants(part.child("variants"))),
    )


def _variants(part: Part) -> Iterator[tuple[VariantName, Sample]]:
    if not part.exists:
        part.refuse("is missing")
        return
    if not isinstance(part.value, dict) or not 1 <= len(part.value) <= VARIANTS_AT_MOST:
        allowed = f"allowed is an object with 1 to {VARIANTS_AT_MOST} variants"
        part.refuse(f"{found(part.path, part.value)}{allowed}")
        return
    for name in part.value:
        sample = part.child(name)
        if not isinstance(sample.value, dict):
            sample.refuse(f"{found(sample.path, sample.value)}allowed is an object with {', '.join(SAMPLE_FIELDS)}")
        elif not 0 < len(name) <= LONGEST_NAME:
            part.refuse(f"a variant's name has 1 to {LONGEST_NAME} characters")
        else:
            refuse_others(sample, SAMPLE_FIELDS)
            yield VariantName(name), read_sample(sample)


def _key(value: object) -> str:
    if isinstance(value, str) and len(value) <= LONGEST_KEY and FLAG_KEY.fullmatch(value):
        return value
    raise ValueError("allowed is the key of a flag")


def _region(value: object) -> str:
    if isinstance(value, str) and REGION.fullmatch(value):
        return value
    raise ValueError("allowed is a region: lower-case letters, digits and hyphens, at most 63 characters")


def _text(value: object) -> str:
    if isinstance(value, str) and 0 < len(value) <= LONGEST_NAME:
        return value
    raise ValueError(f"allowed is a text of 1 to {LONGEST_NAME} characters")
