"""What is to change in LaunchDarkly for a flag there to serve what ours serves, as instructions of a semantic patch.

Carried are: on or off, the off variation, and what the default and the rules serve, percentages included. Conditions,
individual targets and prerequisites stay as they are there. Where with them somebody would be served something else
than here, nothing is carried but that the flag is off.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.domain.errors import RejectedError
from shared.domain.flags.model import WHOLE, Flag, Hashing, Segment, Serve, Split
from shared.domain.names import FlagKey, VariantName
from shared.wire.flags.launchdarkly_export import export_launchdarkly, reference
from shared.wire.flags.notes import Fate

_USER: Final = "user"

Instruction = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Patch:
    """What to send, and what is not the same after it."""

    instructions: tuple[Instruction, ...] = ()
    notes: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    """Why the flag would serve differently there all the same; of one that is on, nothing is sent then."""


class _UnsaidError(Exception):
    """A serve has no equal there; the message says why."""


def patch_of(key: FlagKey, flag: Flag | None, segments: Iterable[Segment], answer: Any, environment: str) -> Patch:
    """Return what changes the flag in `answer`, LaunchDarkly's own document of it. No instructions: it is so already.

    Raises `RejectedError` for a document that is no flag, or has no such environment.
    """
    there = _environment_of(answer, environment)
    if flag is None:
        off = ({"kind": "turnFlagOff"},) if there.get("on") is not False else ()
        return Patch(off, (f"said otherwise: {key} is archived here; there it is off, and serves its off variation",))
    exported: Any = export_launchdarkly((flag,), segments).document["flags"]
    writing = _Writing(flag, _listed(answer.get("variations")), there, exported[key])
    return writing.patch()


def _environment_of(answer: Any, environment: str) -> dict[str, Any]:
    environments = answer.get("environments") if isinstance(answer, dict) else None
    there = environments.get(environment) if isinstance(environments, dict) else None
    if not isinstance(there, dict):
        raise RejectedError(f"LaunchDarkly: the flag there has no environment {environment}")
    return there


class _Writing:
    def __init__(
        self, flag: Flag, variations: Sequence[dict[str, Any]], there: Mapping[str, Any], exported: Mapping[str, Any]
    ) -> None:
        self.flag = flag
        self.there = there
        self.exported = exported
        self.instructions: list[Instruction] = []
        self.notes: list[str] = []
        self.losses: list[str] = []
        self._ids = [str(each.get("_id", "")) for each in variations]
        self._of = _matched(flag, variations)

    def patch(self) -> Patch:
        """Return what to send: all of it where it serves the same then, else no more than that the flag is off."""
        flag = self.flag
        on = flag.enabled and not flag.killed
        self._compare_variants()
        if self.there.get("on") is not on:
            self.instructions.append({"kind": "turnFlagOn" if on else "turnFlagOff"})
        self._write_off()
        off = tuple(self.instructions)
        self._write_rest()
        losses, notes = tuple(dict.fromkeys(self.losses)), tuple(dict.fromkeys(self.notes))
        if not losses:
            return Patch(tuple(self.instructions), notes)
        if on:
            return Patch(notes=notes, refused=losses)
        # Off is never wider than it was. Only what is served now has to be there.
        told = tuple(f"{Fate.SERVES}: once it is on again: {words}" for words in losses)
        return Patch(off, (*told, *notes), () if flag.off in self._of else (_unmatched(flag.off),))

    def _compare_variants(self) -> None:
        served = _served(self.flag)
        for variant in self.flag.variants:
            if variant.name in self._of:
                continue
            if variant.name in served:
                self._lost(_unmatched(variant.name))
            else:
                self.notes.append(f"{Fate.LOST}: {_unmatched(variant.name)}")

    def _write_rest(self) -> None:
        flag = self.flag
        self._write_serve(
            "updateFallthroughVariationOrRollout", {}, flag.default, self.there.get("fallthrough"), "the default"
        )
        self._write_rules()
        self._compare()

    def _lost(self, words: str) -> None:
        self.losses.append(words)

    def _write_off(self) -> None:
        wanted = self._of.get(self.flag.off)
        if wanted is not None and self._id_at(self.there.get("offVariation")) != wanted:
            self.instructions.append({"kind": "updateOffVariation", "variationId": wanted})

    def _write_rules(self) -> None:
        listed = _listed(self.there.get("rules"))
        matched: list[int] = []
        for rule in self.flag.rules:
            at = next((at for at, theirs in enumerate(listed) if _is_named(theirs, rule.id)), None)
            what = f"the rule {rule.id}"
            if at is None:
                self._lost(f"{what}: no rule there has this id, reference or description")
                continue
            matched.append(at)
            named = {"ruleId": str(listed[at].get("_id", ""))}
            self._write_serve("updateRuleVariationOrRollout", named, rule.serve, listed[at], what)
            ours = [each for each in self.exported["rules"] if each["id"] == rule.id]
            if not ours or _clauses(ours[0].get("clauses")) != _clauses(listed[at].get("clauses")):
                self._lost(f"the condition of {what}: it stays as it is there, which is not what it is here")
        for at, theirs in enumerate(listed):
            if at not in matched:
                self._lost(f"that there is no rule {theirs.get('description') or theirs.get('_id')}: it stays there")
        if matched != sorted(matched):
            self._lost("the order of the rules")

    def _write_serve(self, kind: str, named: Instruction, serve: Serve, theirs: Any, what: str) -> None:
        now = theirs if isinstance(theirs, dict) else {}
        rollout = now.get("rollout")
        if isinstance(rollout, dict) and rollout.get("experimentAllocation"):
            self._lost(f"what {what} serves: an experiment runs on it there")
            return
        try:
            wanted = self._served(serve, what)
        except _UnsaidError as why:
            self._lost(f"what {what} serves: {why}")
            return
        if wanted != self._serves_now(now):
            self.instructions.append({"kind": kind, **named, **wanted})

    def _served(self, serve: Serve, what: str) -> Instruction:
        if not isinstance(serve, Split):
            return {"variationId": self._id_of(serve)}
        if any(share.variant is None for share in serve.shares):
            raise _UnsaidError("it passes users on")
        weights: dict[str, int] = {}
        for share in serve.shares:
            assert share.variant is not None
            named = self._id_of(share.variant)
            if named in weights:
                raise _UnsaidError("a variant has two parts of it")
            weights[named] = share.weight
        if sum(weights.values()) != WHOLE:
            raise _UnsaidError(f"its weights are not of {WHOLE}")
        self._compare_bucketing(serve, list(weights), what)
        form: Instruction = {
            "rolloutContextKind": serve.by.kind or _USER,
            "rolloutWeights": {named: weight for named, weight in weights.items() if weight},
        }
        by = reference(serve.by)
        return form if by == "key" else {**form, "rolloutBucketBy": by}

    def _compare_bucketing(self, split: Split, order: list[str], what: str) -> None:
        """Say whether users change sides: weights stand in the order of the variations there."""
        same_seed = split.seed == f"{self.flag.key}.{self.there.get('salt', '')}"
        same_order = order == sorted(order, key=self._ids.index)
        if split.hashing is not Hashing.LAUNCHDARKLY:
            self._divided(f"LaunchDarkly does not hash as {split.hashing} does", what)
        elif not same_seed or not same_order:
            self._divided("by the salt and the order of there", what)

    def _divided(self, words: str, what: str) -> None:
        self.notes.append(f"{Fate.DIVIDED}: who gets what of {what}: {words}")

    def _serves_now(self, theirs: Mapping[str, Any]) -> Instruction | None:
        """Return what is served there in the form of an instruction."""
        rollout = theirs.get("rollout")
        if not isinstance(rollout, dict):
            named = self._id_at(theirs.get("variation"))
            return {"variationId": named} if named is not None else None
        weights: dict[str | None, Any] = {
            self._id_at(each.get("variation")): each.get("weight")
            for each in _listed(rollout.get("variations"))
            if each.get("weight")
        }
        form: Instruction = {"rolloutContextKind": rollout.get("contextKind") or _USER, "rolloutWeights": weights}
        by = rollout.get("bucketBy")
        return form if by in (None, "", "key") else {**form, "rolloutBucketBy": by}

    def _compare(self) -> None:
        """Say what of the rest is not the same."""
        flag = self.flag
        for name in ("schedule", "regions"):
            if getattr(flag, name):
                self._lost(f"the field {name}")
        if self._targets(self.exported, [self._of.get(each.name) for each in flag.variants]) != self._targets(
            self.there, self._ids
        ):
            self._lost("the individual targets: they stay as they are there, which is not what they are here")
        needed = {str(each.flag) for each in flag.prerequisites}
        if needed != {str(each.get("key")) for each in _listed(self.there.get("prerequisites"))}:
            self._lost("the prerequisites: they stay as they are there, which is not what they are here")

    def _targets(self, document: Mapping[str, Any], ids: Sequence[str | None]) -> set[tuple[Any, ...]]:
        entries = [*_listed(document.get("targets")), *_listed(document.get("contextTargets"))]
        return {
            (_text(each.get("contextKind") or _USER), _at(ids, each.get("variation")), str(value))
            for each in entries
            for value in _entries(each.get("values"))
        }

    def _id_of(self, name: VariantName) -> str:
        if name not in self._of:
            raise _UnsaidError(f"no variation there has the value of {name}")
        return self._of[name]

    def _id_at(self, index: Any) -> str | None:
        return _at(self._ids, index)


def _unmatched(name: VariantName) -> str:
    return f"the variant {name}: no variation there has its value"


def _served(flag: Flag) -> set[VariantName | None]:
    """Return the variants that somebody may be served."""
    serves = [flag.default, *(rule.serve for rule in flag.rules)]
    plain = {serve for serve in serves if not isinstance(serve, Split)}
    parts = {share.variant for serve in serves if isinstance(serve, Split) for share in serve.shares if share.weight}
    return {flag.off, *plain, *parts, *(target.variant for target in flag.targets)}


def _matched(flag: Flag, variations: Sequence[dict[str, Any]]) -> dict[VariantName, str]:
    """Return the id of the variation with the value of each variant; where several have it, the one of its name."""
    found: dict[VariantName, str] = {}
    for variant in flag.variants:
        same = [each for each in variations if _text(each.get("value")) == _text(variant.value)]
        if len(same) > 1:
            same = [each for each in same if each.get("name") == variant.name]
        if len(same) == 1 and variant.value is not None:
            found[variant.name] = str(same[0].get("_id", ""))
    return found


def _is_named(theirs: Mapping[str, Any], rule: str) -> bool:
    return rule in (theirs.get("_id"), theirs.get("ref"), theirs.get("description"))


def _clauses(listed: Any) -> list[str]:
    return sorted(
        _text(
            [
                each.get("contextKind") or _USER,
                "" if each.get("op") == "segmentMatch" else each.get("attribute"),
                each.get("op"),
                bool(each.get("negate")),
                sorted(map(_text, _entries(each.get("values")))),
            ]
        )
        for each in _listed(listed)
    )


def _at(ids: Sequence[str | None], index: Any) -> str | None:
    return ids[index] if isinstance(index, int) and 0 <= index < len(ids) else None


def _listed(value: Any) -> list[dict[str, Any]]:
    return [each for each in _entries(value) if isinstance(each, dict)]


def _entries(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    """Return a value as text: to Python true is 1."""
    return json.dumps(value, sort_keys=True)
