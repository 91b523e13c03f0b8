"""The document of a segment: JSON or YAML 1.2 in, a `Segment` out, and back."""

from typing import Any, Final

from shared.domain.flags.model import (
    BY_KEY,
    EVERYBODY,
    WHOLE,
    Hashing,
    Members,
    Segment,
    SegmentRule,
    Share,
    Split,
)
from shared.domain.flags.problems import MOST_VALUES, values_in
from shared.domain.names import SegmentKey
from shared.wire.findings import Findings, Part
from shared.wire.flags.conditions import condition_document, read_condition
from shared.wire.flags.document import compact, read_document
from shared.wire.flags.members import (
    LONGEST_TEXT,
    SEGMENT_KEY,
    attribute,
    attribute_document,
    entries,
    is_object,
    key,
    one_of,
    percentage,
    percentage_of,
    require,
    text,
    texts,
    whole,
)
from shared.wire.flags.splits import IN, MOST_WEIGHT, placing_document
from shared.wire.source import Source

_SEGMENT: Final = ("$schema", "key", "description", "included", "excluded", "rules")
_SHARE: Final = ("percent", "weight", "of", "by", "seed", "hashing")


def parse_segment(body: bytes, content_type: str | None = None) -> Segment:
    """Return the segment in a body, as `parse_flag` returns a flag."""
    return read_segment(read_document(body, content_type))


def read_segment(source: Source) -> Segment:
    """Return the segment that a document says. Raises `InvalidError` with all problems."""
    findings = Findings(source)
    segment = _read(Part(source.value, (), findings))
    findings.raise_if_any()
    return segment


def _read(part: Part) -> Segment:
    if not is_object(part, _SEGMENT):
        return Segment(key=SegmentKey(""))
    if part.child("$schema").exists:
        text(part.child("$schema"), longest=LONGEST_TEXT)
    own_key = SegmentKey(key(part.child("key"), SEGMENT_KEY))
    segment = Segment(
        key=own_key,
        included=_read_members(part.child("included")),
        excluded=_read_members(part.child("excluded")),
        rules=tuple(_read_rule(each, own_key) for each in entries(part.child("rules"), at_least=0)),
        description=text(part.child("description"), longest=LONGEST_TEXT, at_least=0),
    )
    count = sum(len(each.values) for each in (*segment.included, *segment.excluded))
    count += values_in(rule.condition for rule in segment.rules)
    if count > MOST_VALUES:
        part.refuse(f"compares with {count} values; allowed are at most {MOST_VALUES} a segment")
    return segment


def _read_members(part: Part) -> tuple[Members, ...]:
    listed = [each for each in entries(part, at_least=0) if is_object(each, ("values", "by"))]
    return tuple(Members(texts(each.child("values")), attribute(each.child("by"))) for each in listed)


def _read_rule(part: Part, own_key: SegmentKey) -> SegmentRule:
    if not is_object(part, ("if", "share")) or not require(part.child("if")):
        return SegmentRule(condition=EVERYBODY)
    share = part.child("share")
    condition = read_condition(part.child("if"))
    return SegmentRule(condition=condition, share=_read_share(share, own_key) if share.exists else None)


def _read_share(part: Part, own_key: SegmentKey) -> Split | None:
    if not is_object(part, _SHARE):
        return None
    percent, weight, of = part.child("percent"), part.child("weight"), part.child("of")
    if percent.exists == weight.exists or weight.exists != of.exists:
        part.refuse("allowed is percent, or weight and of where another product's weights are kept")
        return None
    total = whole(of, at_least=1, at_most=MOST_WEIGHT, default=WHOLE)
    share = percentage(percent) if percent.exists else whole(weight, at_least=0, at_most=MOST_WEIGHT, default=0)
    if share > total:
        weight.refuse(f"found {share}; allowed is at most of, {total}")
    hashing = Hashing(one_of(part.child("hashing"), list(Hashing), Hashing.SLIPWAY))
    if hashing is Hashing.SLIPWAY and total != WHOLE:
        of.refuse(f"found {total}; write percent, or the hashing of the product that the weight comes from")
    return Split(
        shares=(Share(IN, share), Share(None, max(0, total - share))),
        seed=text(part.child("seed"), longest=LONGEST_TEXT, default=own_key, at_least=0),
        by=attribute(part.child("by")),
        hashing=hashing,
    )


def segment_document(segment: Segment) -> dict[str, Any]:
    """Return the document of a segment; `read_segment` reads the same segment from it."""
    document: dict[str, Any] = {
        "key": segment.key,
        "description": segment.description,
        "included": [_members_document(each) for each in segment.included],
        "excluded": [_members_document(each) for each in segment.excluded],
        "rules": [_rule_document(each) for each in segment.rules],
    }
    return {member: value for member, value in document.items() if value}


def _members_document(members: Members) -> dict[str, Any]:
    by = {"by": attribute_document(members.by)} if members.by != BY_KEY else {}
    return {"values": list(members.values), **by}


def _rule_document(rule: SegmentRule) -> dict[str, Any]:
    share = {"share": _share_document(rule.share)} if rule.share is not None else {}
    return {"if": condition_document(rule.condition), **share}


def _share_document(split: Split) -> dict[str, Any]:
    weight, total = split.shares[0].weight, sum(share.weight for share in split.shares)
    written = {"percent": percentage_of(weight)} if total == WHOLE else {"weight": weight, "of": total}
    return {**written, **placing_document(split)}


def write_segment(segment: Segment) -> str:
    """Return the document as JSON text, the stored form."""
    return compact(segment_document(segment))
