"""The document of a flag: JSON or YAML 1.2 in, a `Flag` that cannot be wrong out, and back.

What is read is told with everything that is wrong with it. `flag_document` writes whatever `parse_flag` reads, exactly;
it is the stored form too. The published schema, `flag.schema.json`, says the same about the shape; what it cannot say
(percentages that sum to 100, names of variants, windows that fit) is said here alone.
"""

import json
from typing import Any, Final

from shared.domain.errors import InvalidError
from shared.domain.flags.model import (
    BY_KEY,
    EVERYBODY,
    During,
    Flag,
    FlagType,
    Json,
    Prerequisite,
    RegionOverride,
    Rule,
    Serve,
    Target,
    Variant,
)
from shared.domain.flags.problems import MOST_VALUES, values_in
from shared.domain.names import FlagKey, VariantName
from shared.wire.findings import Findings, Part, found, shown
from shared.wire.flags.conditions import DEEPEST, condition_document, depth_of, read_condition
from shared.wire.flags.members import (
    FLAG_KEY,
    LONGEST_NAME,
    LONGEST_TEXT,
    REGION,
    attribute,
    attribute_document,
    boolean,
    entries,
    is_object,
    key,
    name,
    one_of,
    require,
    text,
    texts,
    time,
    time_text,
    unique,
)
from shared.wire.flags.metadata import is_one_line, read_metadata
from shared.wire.flags.periods import PERIOD, period_document, read_period
from shared.wire.flags.splits import Offer, read_serve, read_variant, serve_document
from shared.wire.json_source import NOT_JSON, read_json, refuse
from shared.wire.media_types import is_json, is_yaml, parse_media_type
from shared.wire.source import Source
from shared.wire.yaml_source import read_yaml

LONGEST_DOCUMENT: Final = 512 * 1024
"""In bytes."""
MOST_NODES: Final = 60_000
"""How many values a YAML document may have."""
MOST_VARIANTS: Final = 100
MOST_REGIONS: Final = 100

_FLAG: Final = (
    "$schema",
    "key",
    "type",
    "description",
    "owner",
    "tags",
    "expires",
    "metadata",
    "enabled",
    "killed",
    "variants",
    "off",
    "default",
    "schedule",
    "prerequisites",
    "targets",
    "rules",
    "regions",
)
_ON, _OFF = VariantName("on"), VariantName("off")
_BOOLEANS: Final = (Variant(_ON, value=True), Variant(_OFF, value=False))
_TYPES: Final[dict[FlagType, str]] = {
    FlagType.BOOLEAN: "true or false",
    FlagType.STRING: "a text",
    FlagType.INTEGER: "a whole number",
    FlagType.NUMBER: "a number",
    FlagType.OBJECT: "an object or a list",
}
_BRACE: Final = (b"{", b"\xef\xbb\xbf{")


def parse_flag(body: bytes, content_type: str | None = None) -> Flag:
    """Return the flag in a body of at most `LONGEST_DOCUMENT`.

    A JSON or YAML content type is believed; with any other, or none, a body that begins with a brace and reads as JSON
    is JSON, everything else YAML. Raises `InvalidError` with all problems that were found (at most 100), each with its
    path, what stands there, what is allowed and, for YAML, the line.
    """
    return read_flag(read_document(body, content_type))


def read_document(body: bytes, content_type: str | None = None, *, at_most: int = LONGEST_DOCUMENT) -> Source:
    """Return the value of a JSON or YAML body, as `parse_flag` reads it; `at_most` so many bytes."""
    media = parse_media_type(content_type)
    if media.charset not in (None, "utf-8", "utf8", "us-ascii"):
        refuse(f"the charset {media.charset:.40} is not read; send UTF-8")
    if is_json(media):
        return Source(read_json(body, at_most=at_most))
    if not is_yaml(media) and body.lstrip().startswith(_BRACE):
        return _read_either(body, at_most)
    return _read_yaml(body, at_most)


def _read_either(body: bytes, at_most: int) -> Source:
    """Read what is JSON, or YAML that begins with a brace. Where it is neither, it was meant to be JSON."""
    try:
        return Source(read_json(body, at_most=at_most))
    except InvalidError as why_no_json:
        if not why_no_json.problems[0].message.startswith(NOT_JSON):
            # NaN and repeated keys: as YAML the first would be a text.
            raise
        try:
            return _read_yaml(body, at_most)
        except InvalidError:
            raise why_no_json from None


def _read_yaml(body: bytes, at_most: int) -> Source:
    return read_yaml(body, at_most=at_most, at_most_nodes=MOST_NODES)


def read_flag(source: Source) -> Flag:
    """Return the flag that a document says. Raises `InvalidError` with all problems."""
    findings = Findings(source)
    flag = _read(Part(source.value, (), findings))
    findings.raise_if_any()
    if flag is None:
        raise AssertionError("what is no flag has a problem")
    return flag


def _read(part: Part) -> Flag | None:
    if not is_object(part, _FLAG):
        return None
    if part.child("$schema").exists:
        text(part.child("$schema"), longest=LONGEST_TEXT)
    flag_type = FlagType(one_of(part.child("type"), list(FlagType), FlagType.BOOLEAN))
    own_key = FlagKey(key(part.child("key"), FLAG_KEY))
    offer = Offer(flag_type, _read_variants(part.child("variants"), flag_type), own_key)
    if not offer.variants:
        return None
    off = _read_off(part.child("off"), offer)
    flag = Flag(
        key=own_key,
        type=flag_type,
        variants=offer.variants,
        default=_read_default(part.child("default"), offer, off),
        off=off,
        enabled=boolean(part.child("enabled"), default=True),
        killed=boolean(part.child("killed"), default=False),
        schedule=_read_schedule(part.child("schedule")),
        prerequisites=_read_prerequisites(part.child("prerequisites"), own_key),
        targets=tuple(_read_target(each, offer) for each in entries(part.child("targets"), at_least=0)),
        rules=_read_rules(part.child("rules"), offer),
        regions=_read_regions(part.child("regions"), offer),
        description=text(part.child("description"), longest=LONGEST_TEXT, at_least=0),
        owner=text(part.child("owner"), longest=LONGEST_TEXT, at_least=0),
        tags=_read_tags(part.child("tags")),
        expires=time(part.child("expires")),
        metadata=read_metadata(part.child("metadata")),
    )
    _refuse_too_many(part, flag)
    return flag


def _read_variants(part: Part, flag_type: FlagType) -> tuple[Variant, ...]:
    if not part.exists:
        if flag_type is FlagType.BOOLEAN:
            return _BOOLEANS
        part.refuse("is missing; a flag that is not boolean names its variants")
        return ()
    if not isinstance(part.value, dict):
        part.refuse(f"{found(part.path, part.value)}allowed is an object: the name of each variant and its value")
        return ()
    if not 1 <= len(part.value) <= MOST_VARIANTS:
        part.refuse(f"has {len(part.value)} entries; allowed are 1 to {MOST_VARIANTS}")
        return ()
    return tuple(_read_value(part.child(each), each, flag_type) for each in part.value)


def _read_value(part: Part, variant: str, flag_type: FlagType) -> Variant:
    if not is_one_line(variant):
        part.refuse(f"the name of a variant has 1 to {LONGEST_NAME} characters in one line")
    if not fits(part.value, flag_type):
        part.refuse(
            f"{found(part.path, part.value)}allowed is {_TYPES[flag_type]}, for the flag is of type {flag_type}"
        )
    elif depth_of(part.value) > DEEPEST:
        part.refuse(f"nests deeper than {DEEPEST} levels")
    value: Json = part.value
    return Variant(VariantName(variant), value)


def fits(value: Json, flag_type: FlagType) -> bool:
    """Whether a variant of a flag of this type may have the value. Null is the default that the caller's code has."""
    match flag_type:
        case _ if value is None:
            return True
        case FlagType.BOOLEAN:
            return isinstance(value, bool)
        case FlagType.STRING:
            return isinstance(value, str)
        case FlagType.INTEGER:
            return isinstance(value, int) and not isinstance(value, bool)
        case FlagType.NUMBER:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case FlagType.OBJECT:
            return isinstance(value, dict | list)


def _read_off(part: Part, offer: Offer) -> VariantName:
    if part.exists:
        return read_variant(part, offer)
    if _OFF in offer.names:
        return _OFF
    part.refuse(f"is missing; allowed is what is served while the flag is off: {', '.join(offer.names[:20])}")
    return offer.names[0]


def _read_default(part: Part, offer: Offer, off: VariantName) -> Serve:
    return read_serve(part, offer, passes_on=False) if part.exists else off


def _read_schedule(part: Part) -> During | None:
    if not part.exists or not is_object(part, PERIOD):
        return None
    return read_period(part)


def _read_tags(part: Part) -> tuple[str, ...]:
    listed = entries(part, at_least=0)
    unique(listed)
    return tuple(name(each) for each in listed)


def _read_prerequisites(part: Part, own_key: FlagKey) -> tuple[Prerequisite, ...]:
    listed = [each for each in entries(part, at_least=0) if is_object(each, ("flag", "variants"))]
    unique(each.child("flag") for each in listed)
    return tuple(_read_prerequisite(each, own_key) for each in listed)


def _read_prerequisite(part: Part, own_key: FlagKey) -> Prerequisite:
    flag = FlagKey(key(part.child("flag"), FLAG_KEY))
    if flag and flag == own_key:
        part.child("flag").refuse(f"found {shown(flag)}, the flag itself; allowed is another flag")
    wanted = entries(part.child("variants"), at_most=MOST_VARIANTS) if require(part.child("variants")) else ()
    unique(wanted)
    return Prerequisite(flag, tuple(VariantName(name(each)) for each in wanted))


def _read_target(part: Part, offer: Offer) -> Target:
    if not is_object(part, ("variant", "values", "by")) or not require(part.child("variant")):
        return Target(variant=offer.names[0], values=())
    return Target(
        variant=read_variant(part.child("variant"), offer),
        values=texts(part.child("values")),
        by=attribute(part.child("by")),
    )


def _read_rules(part: Part, offer: Offer) -> tuple[Rule, ...]:
    listed = [each for each in entries(part, at_least=0) if is_object(each, ("id", "description", "if", "serve"))]
    unique(each.child("id") for each in listed)
    return tuple(_read_rule(each, offer) for each in listed)


def _read_rule(part: Part, offer: Offer) -> Rule:
    condition, serve = part.child("if"), part.child("serve")
    return Rule(
        id=name(part.child("id")),
        condition=read_condition(condition) if require(condition) else EVERYBODY,
        serve=read_serve(serve, offer, passes_on=True) if require(serve) else offer.names[0],
        description=text(part.child("description"), longest=LONGEST_TEXT, at_least=0),
    )


def _read_regions(part: Part, offer: Offer) -> tuple[tuple[str, RegionOverride], ...]:
    if not part.exists:
        return ()
    if not isinstance(part.value, dict):
        part.refuse(f"{found(part.path, part.value)}allowed is an object: the name of each region and what it does")
        return ()
    if len(part.value) > MOST_REGIONS:
        part.refuse(f"has {len(part.value)} entries; allowed are at most {MOST_REGIONS}")
        return ()
    return tuple((region, _read_region(part.child(region), region, offer)) for region in part.value)


def _read_region(part: Part, region: str, offer: Offer) -> RegionOverride:
    if not REGION.fullmatch(region):
        part.refuse("allowed as a region is a name such as westeurope: lower-case letters, digits and hyphens")
    if not is_object(part, ("enabled", "default")):
        return RegionOverride()
    enabled, default = part.child("enabled"), part.child("default")
    if not enabled.exists and not default.exists:
        part.refuse("allowed is enabled, default or both")
    return RegionOverride(
        enabled=boolean(enabled, default=True) if enabled.exists else None,
        default=read_serve(default, offer, passes_on=False) if default.exists else None,
    )


def _refuse_too_many(part: Part, flag: Flag) -> None:
    count = sum(len(target.values) for target in flag.targets)
    count += values_in(rule.condition for rule in flag.rules)
    if count > MOST_VALUES:
        part.refuse(f"compares with {count} values; allowed are at most {MOST_VALUES} a flag: make a segment of them")


def flag_document(flag: Flag) -> dict[str, Any]:
    """Return the document of a flag; `read_flag` reads the same flag from it."""
    optional: dict[str, Any] = {
        "description": flag.description,
        "owner": flag.owner,
        "tags": list(flag.tags),
        "expires": time_text(flag.expires) if flag.expires is not None else None,
        "metadata": dict(flag.metadata),
        "killed": flag.killed,
        "schedule": period_document(flag.schedule) if flag.schedule is not None else None,
        "prerequisites": [{"flag": each.flag, "variants": list(each.variants)} for each in flag.prerequisites],
        "targets": [_target_document(each) for each in flag.targets],
        "rules": [_rule_document(each) for each in flag.rules],
        "regions": {region: _region_document(override) for region, override in flag.regions},
    }
    document: dict[str, Any] = {
        "key": flag.key,
        "type": flag.type.value,
        "enabled": flag.enabled,
        "variants": {variant.name: variant.value for variant in flag.variants},
        "off": flag.off,
        "default": serve_document(flag.default),
    } | {member: value for member, value in optional.items() if value}
    return {member: document[member] for member in _FLAG if member in document}


def _target_document(target: Target) -> dict[str, Any]:
    by = {"by": attribute_document(target.by)} if target.by != BY_KEY else {}
    return {"variant": target.variant, "values": list(target.values), **by}


def _rule_document(rule: Rule) -> dict[str, Any]:
    description = {"description": rule.description} if rule.description else {}
    served = serve_document(rule.serve)
    return {"id": rule.id, **description, "if": condition_document(rule.condition), "serve": served}


def _region_document(override: RegionOverride) -> dict[str, Any]:
    document: dict[str, Any] = {}
    if override.enabled is not None:
        document["enabled"] = override.enabled
    if override.default is not None:
        document["default"] = serve_document(override.default)
    return document


def write_flag(flag: Flag) -> str:
    """Return the document as JSON text, the stored form."""
    return compact(flag_document(flag))


def compact(document: dict[str, Any]) -> str:
    """Return JSON text without anything that is not needed."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
