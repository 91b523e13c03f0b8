"""Flags of flagd: its JSON documents in, flags of ours out. Who got a variant there gets it here.

Targeting is one expression there and a list of rules here; one that has no equal among ours is refused. What a document
tells beside a value, of all flags or of one, is told here too. flagd's versions hash in three ways; the document does
not say which served it, so the caller does.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Final

from shared.domain.errors import InvalidError, Problem
from shared.domain.flags.model import (
    Flag,
    FlagType,
    Hashing,
    Json,
    Metadatum,
    Rule,
    Segment,
    Serve,
    Share,
    Split,
    Variant,
)
from shared.domain.names import FlagKey, VariantName
from shared.wire.findings import shown
from shared.wire.flags.code_default import with_code_default
from shared.wire.flags.document import flag_document, read_flag
from shared.wire.flags.flagd_targeting import DEFAULT, Targeting
from shared.wire.flags.json_logic import Logic, Unsayable, both
from shared.wire.flags.metadata import is_metadatum, is_one_line
from shared.wire.flags.notes import Fate, Imported, Note, Refused
from shared.wire.flags.segment_document import read_segment, segment_document
from shared.wire.source import Source

WAYS: Final = {"1": Hashing.FLAGD_1, "2": Hashing.FLAGD_2, "3": Hashing.FLAGD_3}
"""The ways of hashing by the version of `fractional`. 3: CBOR (2026), 2: the sum of the weights, 1: whole percents."""
_FLAG: Final = frozenset({"key", "state", "variants", "defaultVariant", "targeting", "metadata", "source", "selector"})
_MARKS: Final = frozenset({"state", "defaultVariant", "targeting"})
"""Members that no other product's flags have: another's document is not to be taken for one of these."""
_LONGEST_TARGETING: Final = 200_000
"""So many characters a flag's targeting may have when all references are followed."""


def import_flagd(document: Any, *, hashing: Hashing = Hashing.FLAGD_3) -> Imported:
    """Return the flags of a document. Raises `InvalidError` where it is none; a flag that cannot be said is refused."""
    listed = _flags(document)
    evaluators, metadata = (_member(document, name) for name in ("$evaluators", "metadata"))
    flags: list[Flag] = []
    segments: list[Segment] = []
    notes: list[Note] = []
    refused: list[Refused] = []
    for key, value in listed:
        try:
            reading = _Reading(key, value, evaluators, metadata, hashing)
            flags.append(read_flag(Source(flag_document(reading.flag()))))
            segments += [read_segment(Source(segment_document(each))) for each in reading.segments]
            notes += reading.notes
        except Unsayable as why:
            refused.append(Refused(key, Problem("targeting", str(why))))
        except RecursionError:  # a document nests no deeper than it may, but references lead on from its depths
            refused.append(Refused(key, Problem("targeting", "with all references followed it nests too deep")))
        except InvalidError as error:
            refused += [Refused(key, problem) for problem in error.problems]
    return Imported(tuple(flags), tuple(segments), tuple(notes), tuple(refused))


def _flags(document: Any) -> list[tuple[str, Any]]:
    flags = document.get("flags") if isinstance(document, dict) else None
    if isinstance(flags, dict):
        return _recognised(list(flags.items()))
    if isinstance(flags, list) and all(isinstance(each, dict) and isinstance(each.get("key"), str) for each in flags):
        return _recognised([(each["key"], each) for each in flags])
    raise InvalidError(Problem("flags", f"found {shown(flags)}; allowed is an object of flags, or a list with keys"))


def _recognised(listed: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Return the flags. Raises `InvalidError` for those of another product, and where there are none."""
    if not any(isinstance(value, dict) and _MARKS & value.keys() for _, value in listed):
        marks = ", ".join(sorted(_MARKS))
        raise InvalidError(Problem("flags", f"this is no document of flagd: no flag has any of {marks}"))
    return listed


def _member(document: dict[str, Any], name: str) -> dict[str, Any]:
    value = document.get(name) or {}
    if not isinstance(value, dict):
        raise InvalidError(Problem(name, f"found {shown(value)}; allowed is an object"))
    return value


@dataclass(slots=True)
class _Reading:
    """One flag that is being read."""

    key: str
    value: Any
    evaluators: dict[str, Any]
    of_all: dict[str, Any]
    """The metadata of the document, which each flag has unless its own say otherwise."""
    hashing: Hashing
    segments: list[Segment] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    length: int = 0
    """So many characters of the targeting were read."""

    def flag(self) -> Flag:
        self._check()
        variants = tuple(Variant(VariantName(name), value) for name, value in self.value["variants"].items())
        flag_type = _type_of(self.value["variants"].values())
        default, is_on = self.value.get("defaultVariant") or None, self.value["state"] == "ENABLED"
        if default is not None and default not in self.value["variants"]:
            raise InvalidError(Problem("defaultVariant", f"found {shown(default)}, which is no variant of this flag"))
        if default is None or not is_on:
            variants, fallback = with_code_default(variants)
        served = VariantName(default) if default is not None else fallback
        metadata = self._metadata()
        return Flag(
            key=FlagKey(self.key),
            type=flag_type,
            variants=variants,
            default=served,
            off=served if is_on else fallback,
            enabled=is_on,
            rules=self._rules(served),
            description=str(metadata.get("description", "")),
            owner=str(metadata.get("owner", "")),
            metadata=tuple(metadata.items()),
        )

    def _rules(self, default: VariantName) -> tuple[Rule, ...]:
        expression = self._resolved(self.value.get("targeting") or {}, ())
        if not expression:
            return ()
        targeting = Targeting(tuple(self.value["variants"]), self.hashing, Logic(self.key))
        leaves = targeting.leaves(expression)
        self.segments += targeting.fractionals.segments.values()
        self.notes += [Note(self.key, Fate.CHANGED, words) for words in targeting.logic.remarks]
        return tuple(
            Rule(id=f"targeting-{number}", condition=both(leaf.conditions), serve=_with_default(leaf.serve, default))
            for number, leaf in enumerate(leaves, 1)
        )

    def _check(self) -> None:
        value = self.value
        if not isinstance(value, dict):
            raise InvalidError(Problem("", f"found {shown(value)}; allowed is an object"))
        if value.get("state") not in ("ENABLED", "DISABLED"):
            raise InvalidError(Problem("state", f"found {shown(value.get('state'))}; allowed is ENABLED or DISABLED"))
        if not isinstance(value.get("variants"), dict) or not value["variants"]:
            raise InvalidError(Problem("variants", "is missing or empty; allowed is an object of values"))
        for name in ("targeting", "metadata"):
            if not isinstance(value.get(name) or {}, dict):
                raise InvalidError(Problem(name, f"found {shown(value[name])}; allowed is an object"))
        if not isinstance(value.get("defaultVariant"), str | None):
            found = shown(value["defaultVariant"])
            raise InvalidError(Problem("defaultVariant", f"found {found}; allowed is the name of a variant or null"))

    def _metadata(self) -> dict[str, Metadatum]:
        """Return what can be told, and note what cannot."""
        told = {**self.of_all, **(self.value.get("metadata") or {})}
        self.notes += [Note(self.key, Fate.LOST, f"the field {name}") for name in self.value if name not in _FLAG]
        lost = [name for name, value in told.items() if not is_one_line(name) or not is_metadatum(value)]
        self.notes += [Note(self.key, Fate.LOST, f"the metadata {name}") for name in lost]
        return {name: value for name, value in told.items() if name not in lost}

    def _resolved(self, expression: Any, within: tuple[str, ...]) -> Any:
        """Return the expression with every reference replaced by what it names."""
        self._count(expression)
        if isinstance(expression, list):
            return [self._resolved(each, within) for each in expression]
        if not isinstance(expression, dict):
            return expression
        if set(expression) == {"$ref"}:
            name = expression["$ref"]
            if not isinstance(name, str) or name not in self.evaluators:
                raise Unsayable(f"$ref names {shown(name)}, which is not among the $evaluators")
            if name in within or len(within) > 10:
                raise Unsayable(f"the evaluator {shown(name)} refers to itself")
            return self._resolved(self.evaluators[name], (*within, name))
        return {key: self._resolved(each, within) for key, each in expression.items()}

    def _count(self, expression: Any) -> None:
        """Add how long this is without what lies in it. What is named twice counts twice, and is never made first."""
        match expression:
            case list():
                written = 2 * len(expression)
            case dict():
                written = sum(len(key) + 6 for key in expression)
            case str():
                written = len(expression)
            case _:
                written = len(repr(expression))
        self.length += written + 2
        if self.length > _LONGEST_TARGETING:
            raise Unsayable("with all references followed it is too long")


def _with_default(serve: Serve | None, default: VariantName) -> Serve:
    if isinstance(serve, Split):
        named = (Share(default if share.variant == DEFAULT else share.variant, share.weight) for share in serve.shares)
        return replace(serve, shares=tuple(named))
    return default if serve is None else serve


def _type_of(values: Any) -> FlagType:
    kinds = {_kind(value) for value in values} - {None}
    if kinds <= {FlagType.INTEGER, FlagType.NUMBER} and kinds:
        return FlagType.NUMBER if FlagType.NUMBER in kinds else FlagType.INTEGER
    if len(kinds) != 1:
        raise InvalidError(Problem("variants", "the values are of several types; a flag has one"))
    [kind] = kinds
    return kind or FlagType.OBJECT


def _kind(value: Json) -> FlagType | None:
    match value:
        case None:
            return None
        case bool():
            return FlagType.BOOLEAN
        case str():
            return FlagType.STRING
        case int():
            return FlagType.INTEGER
        case float():
            return FlagType.NUMBER
        case _:
            return FlagType.OBJECT
