"""flagd's documents: who got a variant there gets it here.

`vectors/flagd.json` holds what the public package openfeature-flagd-core 2.0.0 served of a document to sixty contexts.
"""

import json
import re
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.errors import InvalidError
from shared.domain.flags.compile import compile_flags
from shared.domain.flags.model import (
    BY_KEY,
    All,
    AnyOf,
    Attribute,
    Clause,
    Flag,
    FlagType,
    Hashing,
    InSegment,
    Members,
    Not,
    Operator,
    Prerequisite,
    RegionOverride,
    Rule,
    Segment,
    SegmentRule,
    Share,
    Split,
    Variant,
)
from shared.domain.flags.operators import VERSION_OPERATORS
from shared.wire.flags.flagd import WAYS, import_flagd
from shared.wire.flags.flagd_export import export_flagd
from shared.wire.flags.notes import Fate
from shared.wire.ofrep import write_evaluation
from tests.unit.wire.flags.flag_values import clauses, contexts, flags, plain_flags, segments
from tests.unit.wire.flags.suites import flagd_schema, needs_suites, read_suite, suite_files

VECTORS = json.loads((Path(__file__).parent / "vectors" / "flagd.json").read_text())
IMPORTED = import_flagd(VECTORS["document"])
RULESET = compile_flags(IMPORTED.flags, (), regexes=lambda text: re.compile(text).search)


@pytest.mark.parametrize("key", VECTORS["document"]["flags"])
def test_who_got_a_variant_of_flagd_gets_it_here(key):
    refused = [str(each) for each in IMPORTED.refused if each.subject == key]
    assert refused == []
    for context, variant in zip(VECTORS["contexts"], VECTORS["variants"][key], strict=True):
        if key == "frac-number" and isinstance(context.get("n"), float):
            continue  # a number with a fraction has no place here, which a note says
        if key == "frac-cat-key" and context.get("email") is None:
            continue  # there all who lack it stand in one place, which a note says too
        answer = RULESET.evaluate(key, context, now=float(VECTORS["now"]), region="")
        assert (answer.value is None) if variant is None else (answer.variant == variant), context


def imported(targeting, variants=None, **members):
    variants = variants or {"a": "A", "b": "B"}
    flag = {"state": "ENABLED", "variants": variants, "defaultVariant": "b", "targeting": targeting} | members
    return import_flagd({"flags": {"f": flag}})


@needs_suites
@pytest.mark.parametrize("file", suite_files("flagd-schemas/*/positive/*.json"), ids=lambda file: file.name)
def test_documents_that_flagd_takes_are_taken_whole(file):
    result = import_flagd(read_suite(file))

    assert result.refused == ()
    assert len(result.flags) == len(read_suite(file)["flags"])


@needs_suites
@pytest.mark.parametrize("file", suite_files("flagd-schemas/*/negative/*.json"), ids=lambda file: file.name)
def test_documents_that_flagd_refuses_are_refused(file):
    result = import_flagd(read_suite(file))

    assert result.flags == ()
    assert len(result.refused) == 1


def test_only_the_flag_that_cannot_be_said_is_refused():
    good = {"state": "ENABLED", "variants": {"a": 1}, "defaultVariant": "a"}
    bad = good | {"targeting": {"if": [{"==": [{"%": [{"var": "n"}, 2]}, 0]}, "a"]}}

    result = import_flagd({"flags": {"good": good, "bad": bad}})

    assert [flag.key for flag in result.flags] == ["good"]
    [refused] = result.refused
    assert str(refused) == 'bad: targeting: "%" computes a value, and a condition only compares'


@pytest.mark.parametrize(
    ("targeting", "says"),
    [
        ({"if": [{"==": [{"var": "a"}, {"%": [1, 2]}]}, "a"]}, "computes a value"),
        ({"fractional": [["a", {"var": "n"}], ["b", 1]]}, "a weight of fractional is computed"),
        ({"if": [{"fractional": [[{"var": "x"}, 1], [True, 1]]}, "a"]}, "a share of fractional in a condition"),
        ({"substr": ["abc", 1]}, '"substr" computes a value'),
        ({"if": [{"==": [{"var": "a"}, {"var": "b"}]}, "a"]}, "two attributes"),
        ({"if": [{"<": [{"var": "a"}, "x"]}, "a"]}, "which is no number"),
        ({"if": [{"in": [{"var": "a"}, "text"]}, "a"]}, "in a text"),
        ({"if": [{"starts_with": ["text", {"var": "a"}]}, "a"]}, "with a text that is an attribute"),
        ({"if": [{"+": [1, 2]}, "a"]}, "computes a value"),
        ({"if": [True, "c"]}, "no variant of this flag"),
        ({"fractional": [["a", {"-": [1, 2]}], ["b", 1]]}, "a weight of fractional is computed"),
        ({"fractional": [["a", 2**31], ["b", 1]]}, "allowed are at most"),
        ({"fractional": [{"cat": [{"var": "a"}, "x"]}, ["a", 1]]}, "perhaps behind texts"),
        (
            {"fractional": [[{"fractional": [{"var": "x"}, ["a", 1]]}, 1], [{"if": [{"var": "y"}, "a"]}, 1]]},
            "divides users by something else",
        ),
        ({"fractional": [["a", 0.5]]}, "a whole weight"),
        ({"$ref": "none"}, "not among the $evaluators"),
        ({"if": [1], "or": []}, "2 members"),
        ({"if": [{"var": "$flagd.timestamp"}, {"missing": ["a"]}]}, "computes the variant"),
    ],
)
def test_what_computes_is_refused_by_name(targeting, says):
    result = imported(targeting)

    assert result.flags == ()
    assert says in str(result.refused[0])


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"state": "ON"}, "state"),
        ({"variants": {"a": 1, "b": "x"}}, "variants"),
        ({"defaultVariant": "c"}, "defaultVariant"),
        ({"defaultVariant": 1}, "defaultVariant"),
        ({"targeting": []}, ""),
        ({"targeting": "x"}, "targeting"),
    ],
)
def test_a_flag_that_is_none_is_refused_where_it_is_wrong(members, path):
    flag = {"state": "ENABLED", "variants": {"a": "A"}, "defaultVariant": "a"} | members

    result = import_flagd({"flags": {"f": flag}})

    assert [each.problem.path for each in result.refused] == ([path] if path else [])


def test_a_reference_to_itself_is_refused():
    flag = {"state": "ENABLED", "variants": {"a": 1}, "targeting": {"$ref": "x"}}

    result = import_flagd({"flags": {"f": flag}, "$evaluators": {"x": {"!": [{"$ref": "x"}]}}})

    assert "refers to itself" in str(result.refused[0])


SERVED = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}


@pytest.mark.parametrize(
    "named",
    [{"or": [{"==": [{"var": "x"}, 1]}] * 1_000}, {"in": [{"var": "x"}, ["x" * 20_000]]}, {"x" * 20_000: []}],
    ids=["many parts", "long texts", "long names"],
)
def test_references_that_would_make_a_flag_too_long_are_refused_before_they_are_followed(named):
    flag = {**SERVED, "targeting": {"if": [{"or": [{"$ref": "long"}] * 500}, "on"]}}
    tracemalloc.start()
    try:
        result = import_flagd({"flags": {"f": flag}, "$evaluators": {"long": named}})
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert "with all references followed it is too long" in str(result.refused[0])
    assert most < 5_000_000


def test_references_that_lead_too_deep_are_refused_and_the_other_flags_are_not():
    evaluators: dict[str, Any] = {"e9": {"==": [{"var": "x"}, 1]}}
    for number in range(9):
        evaluators[f"e{number}"] = {"$ref": f"e{number + 1}"}
        for _ in range(30):
            evaluators[f"e{number}"] = {"!": [evaluators[f"e{number}"]]}
    deep = {**SERVED, "targeting": {"if": [{"$ref": "e0"}, "on"]}}
    long = {**SERVED, "targeting": {"if": [each for n in range(400) for each in ({"==": [{"var": "x"}, n]}, "on")]}}

    result = import_flagd({"flags": {"deep": deep, "long": long, "plain": SERVED}, "$evaluators": evaluators})

    assert [flag.key for flag in result.flags] == ["plain"]
    told = {each.subject: each.problem.message for each in result.refused}
    assert told == dict.fromkeys(("deep", "long"), "with all references followed it nests too deep")


def test_a_list_of_thousands_is_not_too_long():
    users = [f"user-{number:0>8}" for number in range(10_000)]
    result = import_flagd({"flags": {"f": {**SERVED, "targeting": {"if": [{"in": [{"var": "u"}, users]}, "on"]}}}})

    assert (len(result.flags), result.refused) == (1, ())


@pytest.mark.parametrize(
    "document",
    [None, [], {}, {"flags": 1}, {"flags": [{}]}, {"flags": {}, "metadata": [1]}, {"flags": {}, "$evaluators": [1]}],
)
def test_a_document_that_is_none_is_refused(document):
    with pytest.raises(InvalidError):
        import_flagd(document)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["a", "b", "x", "", "$flagd.timestamp"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["if", "and", "==", "<", "in", "var", "fractional", "sem_ver", "starts_with", "cat", "missing"]
            ),
            inner,
            max_size=1,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(JUNK)
def test_whatever_targeting_says_it_is_taken_or_refused(targeting):
    result = imported(targeting)

    assert len(result.flags) + len({each.subject for each in result.refused}) == 1


def test_keys_that_flags_cannot_have_here_are_refused():
    flag = {"state": "ENABLED", "variants": {"a": 1}, "defaultVariant": "a"}

    assert import_flagd({"flags": {"a b": flag}}).refused[0].problem.path == "key"


def test_what_is_not_carried_is_noted():
    result = imported({}, metadata={"owner": "ann", "version": 3, "nested": {}}, unknown=1)

    assert [str(note) for note in result.notes] == [
        "f: not carried: the field unknown",
        "f: not carried: the metadata nested",
    ]
    assert result.flags[0].owner == "ann"


def test_what_is_told_beside_a_value_is_told_here_and_goes_back():
    of_flag = {"owner": "ann", "version": 3, "ratio": 0.5, "beta": True}
    flag = {"state": "ENABLED", "variants": {"a": 1}, "defaultVariant": "a", "metadata": of_flag}
    document = {"flags": {"f": flag, "g": {**flag, "metadata": {}}}, "metadata": {"version": 1, "set": "shop"}}

    result = import_flagd(document)

    assert result.notes == ()
    answers = compile_flags(result.flags, (), regexes=lambda text: re.compile(text).search)
    told = [write_evaluation(answers.evaluate(key, {}, now=0.0, region=""))["metadata"] for key in "fg"]
    assert told == [{"version": 3, "set": "shop", "owner": "ann", "ratio": 0.5, "beta": True}, document["metadata"]]
    back = export_flagd(result.flags).document["flags"]
    assert [back[key]["metadata"] for key in "fg"] == told


@pytest.mark.parametrize(
    ("values", "flag_type"),
    [
        ((True, False), "boolean"),
        ((1, 2), "integer"),
        ((1, 2.5), "number"),
        (("a", "b"), "string"),
        (({}, []), "object"),
    ],
)
def test_the_type_follows_from_the_values(values, flag_type):
    assert imported({}, variants=dict(zip("ab", values, strict=True))).flags[0].type == flag_type


@pytest.mark.parametrize(("way", "hashing"), WAYS.items())
def test_the_caller_says_which_way_served_the_document(way, hashing):
    flag = {"state": "ENABLED", "variants": {"a": 1}, "targeting": {"fractional": [["a", 1]]}}

    [read] = import_flagd({"flags": {"f": flag}}, hashing=hashing).flags

    assert read.rules[-1].serve.hashing == f"flagd-{way}"
    assert read.rules[-1].serve.seed == "f"


def test_who_has_nothing_to_be_divided_by_gets_the_default_and_no_error():
    for bucket in ([], [{"var": "email"}]):
        nested = {"if": [{"fractional": [*bucket, [{"if": [{"var": "x"}, "a", "b"]}, 1], ["a", 1]]}]}
        for targeting in ({"fractional": [*bucket, ["a", 1]]}, nested):
            [flag] = imported(targeting).flags
            answer = compile_flags([flag], (), regexes=lambda text: re.compile(text).search).evaluate(
                "f", {}, now=0.0, region=""
            )
            assert (answer.variant, answer.error) == ("b", None)


def test_a_disabled_flag_serves_what_the_code_has():
    [flag] = imported({}, state="DISABLED").flags

    assert not flag.enabled
    assert {variant.name: variant.value for variant in flag.variants}[flag.off] is None


@pytest.mark.parametrize("key", VECTORS["document"]["flags"])
def test_what_is_exported_serves_the_same_when_it_comes_back(key):
    [flag] = [flag for flag in IMPORTED.flags if flag.key == key]
    exported = export_flagd([flag])
    assert [note for note in exported.notes if note.fate is not Fate.CHANGED] == []

    back = import_flagd(exported.document)

    assert back.refused == ()
    again = compile_flags(back.flags, (), regexes=lambda text: re.compile(text).search)
    for context in VECTORS["contexts"]:
        before = RULESET.evaluate(key, context, now=float(VECTORS["now"]), region="")
        assert again.evaluate(key, context, now=float(VECTORS["now"]), region="").value == before.value, context


@needs_suites
@settings(max_examples=25, deadline=None)
@given(st.lists(flags(), max_size=2), segments())
def test_what_is_exported_is_a_document_of_flagd(listed, segment):
    document = export_flagd(listed, [replace(segment, key="staff"), replace(segment, key="beta.2")]).document

    assert list(flagd_schema("flags.json").iter_errors(document)) == []


def sayable(condition):
    match condition:
        case Clause():
            is_flat = not any(isinstance(value, list | dict | None) for value in condition.values)
            unknown = (Operator.MATCHES, Operator.BEFORE, Operator.AFTER, Operator.IN_NETWORK)
            is_known = condition.operator not in unknown
            is_known = is_known and not condition.strict  # a note says that texts count as numbers there
            # A note says that more counts as a version there.
            is_known = is_known and (condition.lenient or condition.operator not in VERSION_OPERATORS)
            return (
                is_flat
                and is_known
                and not condition.ignores_case
                and condition.attribute.path in (("email",), ("address", "city"))
            )
        case _:
            return True


SAYABLE = st.recursive(
    clauses().filter(sayable),
    lambda inner: st.builds(All, st.tuples(inner, inner)) | st.builds(AnyOf, st.tuples(inner)) | st.builds(Not, inner),
    max_leaves=3,
)
PLACES = st.sampled_from([BY_KEY, Attribute(("email",))])


@settings(max_examples=150, deadline=None)
@given(plain_flags(SAYABLE, Hashing.FLAGD_3, PLACES), st.lists(contexts(), min_size=5, max_size=5))
def test_what_is_exported_without_loss_serves_the_same(flag, asking):
    exported = export_flagd([flag])
    assert [note for note in exported.notes if note.fate is not Fate.CHANGED and "it is off" not in note.words] == []
    back = import_flagd(exported.document)
    assert back.refused == ()

    before, after = (
        compile_flags(each, (), regexes=lambda text: re.compile(text).search) for each in ([flag], back.flags)
    )
    for context in asking:
        served = [ruleset.evaluate(flag.key, context, now=1.8e9, region="") for ruleset in (before, after)]
        if served[0].error is None:
            assert served[0].value == served[1].value


def test_what_flagd_cannot_say_is_noted():
    clause = Clause(attribute=Attribute(("email",)), operator=Operator.MATCHES, values=("x",))
    flag = Flag(
        key="f",
        type=FlagType.BOOLEAN,
        variants=(Variant("on", value=True), Variant("off", value=False)),
        default=Split(shares=(Share("on", 20_000), Share("off", 80_000)), seed="f"),
        off="off",
        prerequisites=(Prerequisite("other", ("on",)),),
        rules=(Rule(id="r", condition=clause, serve="on"),),
        regions=(("eastus", RegionOverride(enabled=False)),),
    )

    told = [str(note) for note in export_flagd([flag]).notes]

    assert told == [
        "f: serves differently: what the regions eastus do otherwise",
        "f: divided anew: flagd does not hash as slipway does",
        "f: serves differently: the rule r: the operator matches",
        "f: serves differently: that other must be on: it is not in the document",
    ]


def test_a_segment_becomes_an_evaluator_that_stands_before_those_it_refers_to():
    inner = Segment(key="inner", included=(Members(("ann",)),))
    outer = Segment(key="outer", rules=(SegmentRule(condition=InSegment(("inner",))),))
    flag = Flag(
        key="f",
        type=FlagType.BOOLEAN,
        variants=(Variant("on", value=True), Variant("off", value=False)),
        default="off",
        off="off",
        rules=(Rule(id="r", condition=InSegment(("outer",)), serve="on"),),
    )

    exported = export_flagd([flag], [inner, outer])

    assert list(exported.document["$evaluators"]) == ["segment-outer", "segment-inner"]
    back = compile_flags(import_flagd(exported.document).flags, (), regexes=lambda text: re.compile(text).search)
    assert back.evaluate("f", {"targetingKey": "ann"}, now=0.0, region="").value is True
    assert back.evaluate("f", {"targetingKey": "bob"}, now=0.0, region="").value is False


@pytest.mark.parametrize(
    "flags",
    [{}, [], {"a": {"on": True, "variations": [True], "version": 1}}, [{"key": "a", "variants": {"on": True}}]],
)
def test_the_document_of_another_product_and_an_empty_one_are_refused_as_a_whole(flags):
    with pytest.raises(InvalidError, match="no document of flagd"):
        import_flagd({"flags": flags})
