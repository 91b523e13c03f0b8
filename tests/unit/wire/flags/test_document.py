"""The document of a flag: read back exactly as it was written, and refused with everything that is wrong."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings

from shared.domain.errors import InvalidError
from shared.domain.flags.model import (
    BY_KEY,
    Attribute,
    Clause,
    FlagType,
    Hashing,
    InSegment,
    Operator,
    Share,
    Split,
    Variant,
)
from shared.wire.flags.document import LONGEST_DOCUMENT, flag_document, parse_flag, write_flag
from shared.wire.flags.segment_document import parse_segment, write_segment
from tests.unit.wire.flags.flag_values import flags, segments

BRIEF = {"key": "new-checkout"}
RULE = {"id": "r", "if": {"attribute": "email", "op": "ends-with", "values": ["@x.example"]}, "serve": "on"}


def flag(**members):
    return parse_flag(json.dumps(BRIEF | members).encode())


def problems(body):
    with pytest.raises(InvalidError) as refused:
        parse_flag(body if isinstance(body, bytes) else json.dumps(BRIEF | body).encode())
    return {problem.path: problem.message for problem in refused.value.problems}


def condition(document):
    return flag(rules=[RULE | {"if": document}]).rules[0].condition


def refused_condition(document):
    return problems({"rules": [RULE | {"if": document}]})


@settings(max_examples=100, deadline=None)
@given(flags())
def test_what_is_written_reads_as_the_same_flag(each):
    assert parse_flag(write_flag(each).encode()) == each


@settings(max_examples=60, deadline=None)
@given(segments())
def test_what_is_written_reads_as_the_same_segment(each):
    assert parse_segment(write_segment(each).encode()) == each


def test_a_boolean_flag_needs_only_its_key_and_is_off():
    read = flag()

    assert read.type is FlagType.BOOLEAN
    assert read.variants == (Variant("on", value=True), Variant("off", value=False))
    assert (read.off, read.default, read.enabled, read.killed) == ("off", "off", True, False)


def test_yaml_says_the_same_and_on_is_a_word_of_its_own():
    text = b"""
key: new-checkout
variants:
  on: true
  off: false
default:
  percent: 20
  of: on
rules:
  - id: staff
    if: {segment: staff}
    serve: on
"""
    read = parse_flag(text)

    assert [variant.name for variant in read.variants] == ["on", "off"]
    assert read.rules[0].serve == "on"
    assert read.default == Split(shares=(Share("on", 20_000), Share("off", 80_000)), seed="new-checkout")


def test_a_problem_names_the_line_in_yaml():
    with pytest.raises(InvalidError) as refused:
        parse_flag(b"key: a\nrules:\n  - id: r\n    if: {segment: staff}\n    serve: onn\n")

    [problem] = refused.value.problems
    assert (problem.path, problem.line) == ("rules[0].serve", 5)
    assert problem.message == 'found "onn", which is no variant of this flag (did you mean on?)'


def test_everything_that_is_wrong_is_told_at_once():
    found = problems({"key": "a b", "enabld": True, "off": "of", "tags": ["x", "x"], "default": 1, "expires": "soon"})

    assert set(found) == {"key", "enabld", "off", "tags[1]", "default", "expires"}
    assert found["enabld"] == "is not a field here (did you mean enabled?)"


@pytest.mark.parametrize("key", ["a", "a-b_c.d", "team/new-checkout", "_x", "A" * 256])
def test_keys_that_can_stand_in_an_address_are_taken(key):
    assert flag(key=key).key == key


@pytest.mark.parametrize(
    "key", ["", " a", "a b", "/a", "a/", "a//b", "..", "a/../b", ".a", "ä", "a?b", "a\n", "A" * 257, 1]
)
def test_other_keys_are_refused(key):
    assert "key" in problems({"key": key})


@pytest.mark.parametrize(
    ("percent", "weight"),
    [(0, 0), (100, 100_000), (20, 20_000), (12.5, 12_500), (0.001, 1), (33.333, 33_333), (0.07, 70), (1e1, 10_000)],
)
def test_percentages_have_three_decimals_exactly(percent, weight):
    shares = [{"variant": "on", "percent": percent}, {"variant": "off", "percent": (100_000 - weight) / 1000}]
    read = flag(default={"split": {"shares": shares}})

    assert read.default.shares[0].weight == weight
    assert flag_document(read)["default"]["split"]["shares"][0]["percent"] == percent


@pytest.mark.parametrize("percent", [-1, 100.001, 0.0001, 1e300, "20", True, None])
def test_other_percentages_are_refused(percent):
    found = problems({"default": {"percent": percent, "of": "on"}})

    assert "default.percent" in found


def test_percentages_that_are_not_100_in_all_are_told_with_their_sum():
    shares = [{"variant": "on", "percent": 20}, {"variant": "off", "percent": 79.9}]

    found = problems({"default": {"split": {"shares": shares}}})

    assert found == {"default.split.shares": "the percentages sum to 99.9 %; they must sum to 100 %"}


def test_weights_are_for_what_was_imported():
    shares = [{"variant": "on", "weight": 1}, {"variant": "off", "weight": 2}]

    read = flag(default={"split": {"shares": shares, "hashing": "flagd-3", "seed": "s", "by": "email"}})

    expected = Split(
        shares=(Share("on", 1), Share("off", 2)), seed="s", by=Attribute(("email",)), hashing=Hashing.FLAGD_3
    )
    assert read.default == expected
    assert "the weights sum to 3" in problems({"default": {"split": {"shares": shares}}})["default.split.shares"]


def test_weights_that_are_too_great_in_all_are_refused():
    shares = [{"variant": "on", "weight": 2**31 - 1}, {"variant": "off", "weight": 1}]

    found = problems({"default": {"split": {"shares": shares, "hashing": "flagd-2"}}})

    assert "the weights sum to 2147483648" in found["default.split.shares"]


def test_percent_and_weight_do_not_go_together():
    shares = [{"variant": "on", "percent": 20}, {"variant": "off", "weight": 80}]
    mixed = problems({"default": {"split": {"shares": shares}}})
    both = problems({"default": {"split": {"shares": [{"variant": "on", "percent": 1, "weight": 1}]}}})

    assert "some shares have a percent" in mixed["default.split.shares"]
    assert "default.split.shares[0]" in both


def test_only_a_rule_passes_users_on():
    split = {"split": {"shares": [{"variant": "on", "percent": 20}, {"variant": None, "percent": 80}]}}

    assert flag(rules=[RULE | {"serve": split}]).rules[0].serve.shares[1] == Share(None, 80_000)
    assert "default.split.shares[1].variant" in problems({"default": split})
    assert "default.split.shares[1].variant" not in problems({"regions": {"eastus": {"default": split}}})
    assert "regions.eastus.default.split.shares[1].variant" in problems({"regions": {"eastus": {"default": split}}})


def test_the_short_form_is_for_two_variants():
    variants = {"a": "1", "b": "2", "c": "3"}

    found = problems({"type": "string", "variants": variants, "off": "a", "default": {"percent": 20, "of": "b"}})

    assert "this one has 3" in found["default"]


@pytest.mark.parametrize(
    ("flag_type", "good", "bad"),
    [
        ("boolean", [True, None], [1, "true", []]),
        ("string", ["", "a", None], [1, True, {}]),
        ("integer", [1, 10**30, None], [1.5, True, "1"]),
        ("number", [1, 1.5, None], [True, "1", {}]),
        ("object", [{}, [1], None], [1, "a", True]),
    ],
)
def test_a_value_is_of_the_type_of_its_flag(flag_type, good, bad):
    for value in good:
        assert flag(type=flag_type, variants={"off": value}).variants[0].value == value
    for value in bad:
        assert (
            f"the flag is of type {flag_type}"
            in problems({"type": flag_type, "variants": {"off": value}})["variants.off"]
        )


def test_attributes_are_names_or_pointers():
    def attribute(value):
        return condition({"attribute": value, "op": "is-set"}).attribute

    assert attribute("email") == Attribute(("email",))
    assert attribute("a.b") == Attribute(("a.b",))
    assert attribute("/address/city") == Attribute(("address", "city"))
    assert attribute("/a~1b/~0") == Attribute(("a/b", "~"))
    assert attribute({"name": "email", "kind": "user"}) == Attribute(("email",), "user")
    assert "rules[0].if.attribute" in refused_condition({"attribute": "/a~2", "op": "is-set"})
    assert "rules[0].if.attribute" in refused_condition({"attribute": "", "op": "is-set"})


def test_a_clause_says_what_it_compares():
    document = {"attribute": "email", "op": "ends-with", "values": ["@x.example"], "not": True, "ignoreCase": True}

    expected = Clause(
        attribute=Attribute(("email",)),
        operator=Operator.ENDS_WITH,
        values=("@x.example",),
        negated=True,
        ignores_case=True,
    )
    assert condition(document) == expected


def test_nothing_to_compare_with_fits_nobody_and_is_no_problem():
    assert condition({"attribute": "a", "op": "in", "values": []}).values == ()
    assert condition({"segment": []}) == InSegment(())


def test_segments_may_be_one_or_several():
    assert condition({"segment": "staff"}) == InSegment(("staff",))
    assert condition({"segment": ["staff", "beta"], "not": True}) == InSegment(("staff", "beta"), negated=True)


@pytest.mark.parametrize(
    ("document", "path", "says"),
    [
        ({"attribute": "a", "op": "endswith", "values": ["x"]}, "op", "(did you mean ends-with?)"),
        ({"op": "in", "values": ["a"]}, "attribute", "is missing"),
        ({"attribute": "a", "op": "in"}, "values", "is missing"),
        ({"attribute": "a", "op": "is-set", "values": [1]}, "values", "takes no values"),
        ({"attribute": "a", "op": "contains", "values": [1]}, "values[0]", "allowed with contains is a text"),
        ({"attribute": "a", "op": "<", "values": ["x"]}, "values[0]", "a number"),
        ({"attribute": "a", "op": "<", "values": [True]}, "values[0]", "a number"),
        ({"attribute": "a", "op": "before", "values": ["2027"]}, "values[0]", "RFC 3339"),
        ({"attribute": "a", "op": "semver>", "values": ["v1"]}, "values[0]", "semantic version"),
        ({"attribute": "a", "op": "<", "values": [1], "ignoreCase": True}, "ignoreCase", "not <"),
        ({"attribute": "a", "op": "in", "values": [1], "strict": True}, "strict", "not in"),
        ({"op": "in", "values": [1], "atribute": "a"}, "atribute", "(did you mean attribute?)"),
        ({"segment": ""}, "segment", "characters"),
        ({"layer": "l", "from": 20, "to": 20}, "to", "above from"),
        ({"layer": "l", "from": 20}, "to", "is missing"),
        ({"from": "2027-01-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "until", "later than from"),
        ({"from": "2027-01-01T00:00:00"}, "from", "RFC 3339"),
        ({"until": "2027-01-01T00:00:00Z", "recurrence": {}}, "recurrence", "goes with from and until"),
        ({"all": {}}, "all", "allowed is a list"),
        ({"and": []}, "and", "is not a field here"),
        ({}, "", "without entries"),
        ([], "", "allowed is a condition"),
    ],
)
def test_what_is_no_condition_is_refused_where_it_stands(document, path, says):
    found = refused_condition(document)

    assert says in found[f"rules[0].if{'.' if path else ''}{path}"]


@pytest.mark.parametrize(
    ("recurrence", "path"),
    [
        ({"weekdays": ["tuesday"]}, "weekdays"),
        ({"weekdays": ["friday", "friday"]}, "weekdays[1]"),
        ({"weekdays": ["friday", "saturday"]}, ""),
        ({"every": 0}, "every"),
        ({"every": 1}, ""),
        ({"times": 0}, "times"),
        ({"offset": "1h"}, "offset"),
        ({"ends": "2026-12-31T00:00:00Z"}, "ends"),
    ],
)
def test_occurrences_that_do_not_fit_are_refused(recurrence, path):
    window = {"from": "2027-01-01T00:00:00Z", "until": "2027-01-02T06:00:00Z", "recurrence": recurrence}

    assert f"schedule.recurrence{'.' if path else ''}{path}" in problems({"schedule": window})


def test_a_recurring_window_is_meant_in_its_offset():
    recurrence = {
        "every": 2,
        "weekdays": ["friday", "sunday"],
        "firstWeekday": "monday",
        "offset": "+02:00",
        "times": 4,
    }
    window = {"from": "2026-12-31T22:30:00Z", "until": "2027-01-01T06:00:00Z", "recurrence": recurrence}

    read = flag(schedule=window).schedule

    assert read.since == datetime(2026, 12, 31, 22, 30, tzinfo=UTC)
    assert (read.recurrence.weekdays, read.recurrence.first_weekday) == ((4, 6), 0)
    assert read.recurrence.offset == timedelta(hours=2)


def test_conditions_nest_twenty_deep_and_no_deeper():
    def nested(levels):
        document = {"segment": "staff"}
        for _ in range(levels - 1):
            document = {"not": document}
        return document

    assert condition(nested(20))
    assert any("nest deeper than 20" in message for message in refused_condition(nested(21)).values())


def test_values_nest_twenty_deep_and_no_deeper():
    def nested(levels):
        value = []
        for _ in range(levels - 1):
            value = [value]
        return value

    assert flag(type="object", variants={"off": nested(20)})
    assert "variants.off" in problems({"type": "object", "variants": {"off": nested(21)}})


def test_a_flag_compares_with_so_many_values_in_all():
    half = [str(n) for n in range(5000)]
    targets = [{"variant": "on", "values": half}, {"variant": "off", "values": half}]

    assert flag(targets=targets)
    assert "make a segment of them" in problems({"targets": targets, "rules": [RULE]})[""]
    assert "targets[0].values" in problems({"targets": [{"variant": "on", "values": ["x"] * 10_001}]})


def test_a_document_may_be_so_long():
    short = json.dumps(BRIEF | {"targets": [{"variant": "on", "values": ["x" * 2000] * 255}]})

    assert parse_flag(short.encode())
    assert f"at most {LONGEST_DOCUMENT}" in problems(b" " * LONGEST_DOCUMENT + short.encode())[""]
    assert parse_flag(
        b"key: a\ntargets:\n- variant: on\n  values:\n" + b"  - 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'\n" * 9_999
    )


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"key": "a", "key": "b"}', "twice"),
        (b'{"key": NaN}', "finite"),
        (b'{"key": "a", "type": "number", "variants": {"off": Infinity}}', "finite"),
        (b'{"key": "a", "type": "number", "variants": {"off": 1e999}}', "finite"),
        ('{"key": "a"}'.encode("utf-16"), "UTF-16"),
        (b'{"key": "\xff"}', "UTF-8"),
        (b'{"key": "\\ud800"}', "surrogate"),
        (b"", "empty"),
        (b"key: a\nkey: b", "twice"),
        (b"key: a\ntype: number\nvariants: {off: .nan}", "finite"),
        (b"[]", "allowed is an object"),
        (b"new-checkout", "allowed is an object"),
        (b'{"key": "a",}x', "JSON"),
    ],
)
def test_a_text_that_is_no_document_is_refused(body, says):
    assert any(says in message for message in problems(body).values())


def test_no_flag_is_its_own_prerequisite():
    own = {"flag": "new-checkout", "variants": ["on"]}

    assert "the flag itself" in problems({"prerequisites": [own]})["prerequisites[0].flag"]


def test_rules_have_ids_of_their_own():
    assert problems({"rules": [RULE, RULE]}) == {"rules[1].id": 'found "r"; allowed is each entry once'}


def test_regions_have_names_of_azure():
    assert "regions.West Europe" in problems({"regions": {"West Europe": {"enabled": False}}})
    assert "regions.eastus" in problems({"regions": {"eastus": {}}})
    assert flag(regions={"eastus": {"enabled": False}}).regions[0][1].enabled is False


def test_who_is_split_by_nothing_else_is_split_by_the_targeting_key():
    assert flag(default={"percent": 1, "of": "on"}).default.by == BY_KEY
    assert flag(default={"percent": 1, "of": "on", "by": "/a/b", "seed": ""}).default.by == Attribute(("a", "b"))


def test_the_share_of_a_segment_is_at_most_all():
    body = {"key": "s", "rules": [{"if": {"all": []}, "share": {"weight": 8, "of": 7, "hashing": "flagd-2"}}]}

    with pytest.raises(InvalidError, match="at most of, 7"):
        parse_segment(json.dumps(body).encode())
