"""What each operator is true of, said once in plain words and once for speed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.adapters.re2.regexes import Re2Regexes
from shared.domain.flags.json_values import hashable, levels_of, same
from shared.domain.flags.matchers import matcher
from shared.domain.flags.model import Attribute, Clause, Operator
from shared.domain.flags.operators import holds
from tests.unit.domain.flags.flags import is_on
from tests.unit.domain.flags.patterns import python_regexes
from tests.unit.domain.flags.random_flags import clauses, values

X = Attribute(("x",))
NOTHING = object()


def clause(operator, *wanted, **fields):
    return Clause(attribute=X, operator=Operator(operator), values=wanted, **fields)


def fits(asked, value):
    context = {} if value is NOTHING else {"x": value}
    quick, plain = is_on(asked, context), holds(asked, context.get("x"), python_regexes)
    assert quick is plain
    return plain


@pytest.mark.parametrize(
    ("operator", "wanted", "value", "expected"),
    [
        ("in", ["a", "b"], "b", True),
        ("in", ["a", "b"], "B", False),
        ("in", [1], 1.0, True),
        ("in", [1], "1", False),
        ("in", ["1"], 1, False),
        ("in", [1], True, False),
        ("in", [True], 1, False),
        ("in", [True], True, True),
        ("in", [0], False, False),
        ("in", [{"a": [1, True]}], {"a": [1.0, True]}, True),
        ("in", [{"a": [1, True]}], {"a": [1, 1]}, False),
        ("in", [{"a": 1}], {"a": 1, "b": 2}, False),
        ("in", [], "a", False),
        ("in", ["c"], ["a", "c"], True),
        ("in", ["c"], [], False),
        ("in", [["c"]], ["c"], False),
        ("in", [["c"]], [["c"]], True),
        ("starts-with", ["ab", "x"], "abc", True),
        ("starts-with", ["AB"], "abc", False),
        ("starts-with", ["1"], 12, False),
        ("starts-with", [1], "12", False),
        ("starts-with", [""], "", True),
        ("ends-with", ["@example.com"], "a@example.com", True),
        ("ends-with", ["@example.com"], ["b@other.com", "a@example.com"], True),
        ("ends-with", ["@example.com"], "a@example.com.evil", False),
        ("contains", ["b", "z"], "abc", True),
        ("contains", ["z"], "abc", False),
        ("matches", ["^a.c$"], "abc", True),
        ("matches", ["^a.c$"], "xabc", False),
        ("matches", ["b"], "abc", True),
        ("matches", ["1"], 1, False),
        ("=", [10], 10.0, True),
        ("=", [10], "10", True),
        ("=", ["1e1"], 10, True),
        ("=", [10], "ten", False),
        ("=", [10], " 10 ", True),
        ("=", [1], True, False),
        ("=", [10, 20], 20, True),
        ("=", ["1_0"], 10, False),
        ("=", ["nan"], "nan", False),
        ("=", ["inf"], "inf", False),
        ("<", [10], 9, True),
        ("<", [10], 10, False),
        ("<", [1, 10], 9, True),
        ("<", ["10"], "9.5", True),
        ("<", ["10"], "9.5x", False),
        ("<=", [10], 10, True),
        (">", [10], 10, False),
        (">", [10, 1], 2, True),
        (">=", [10], "10", True),
        ("before", ["2026-01-01T00:00:00Z"], "2025-12-31T23:59:59.999Z", True),
        ("before", ["2026-01-01T00:00:00Z"], "2026-01-01T01:00:00+01:00", False),
        ("before", ["2026-01-01T00:00:00Z"], "2026-01-01T00:30:00+01:00", True),
        ("before", [1_767_225_600_000], "2025-12-31T23:59:59Z", True),
        ("before", ["2026-01-01T00:00:00Z"], 1_767_225_599_999, True),
        ("before", ["2026-01-01T00:00:00Z"], "2025-12-31", False),
        ("before", ["2026-01-01T00:00:00Z"], "2025-12-31T23:59:59", False),
        ("before", ["2026-01-01T00:00:00Z"], "2025-02-30T00:00:00Z", False),
        ("after", ["2026-01-01T00:00:00Z"], "2025-12-31T23:30:00-01:00", True),
        ("after", ["2026-01-01T00:00:00Z"], "2026-01-01T00:00:00.000Z", False),
        ("semver=", ["2"], "2.0.0+build", True),
        ("semver=", ["2.0"], "2.0.0-rc.1", False),
        ("semver=", ["2-rc"], "2.0.0-rc", True),
        ("semver=", ["2.0.0"], "v2.0.0", False),
        ("semver=", ["2.0.0"], 2, False),
        ("semver=", ["2.0.0"], "02.0.0", False),
        ("semver<", ["2.0.0"], "2.0.0-rc.1", True),
        ("semver<", ["2.0.0-rc.2"], "2.0.0-rc.10", False),
        ("semver<", ["2.0.0-rc"], "2.0.0-rc.1", False),
        ("semver<", ["2.0.0-alpha"], "2.0.0-1", True),
        ("semver<", ["2.10.0"], "2.9.9", True),
        ("semver<=", ["2.0.0"], "2.0.0+other", True),
        ("semver>", ["2.0.0"], "2.0.1", True),
        ("semver>", ["2.0.0", "3.0.0"], "2.5", True),
        ("semver>=", ["2.0.0"], "2.0.0", True),
        ("semver>=", ["2.0.0"], "2.0.0-rc.1", False),
        ("in-network", ["10.0.0.0/8"], "10.255.0.1", True),
        ("in-network", ["10.0.0.0/8"], "11.0.0.1", False),
        ("in-network", ["10.1.2.3/8"], "10.9.9.9", True),
        ("in-network", ["10.1.2.3"], "10.1.2.3", True),
        ("in-network", ["10.1.2.3"], "10.1.2.4", False),
        ("in-network", ["192.168.0.0/16", "10.0.0.0/8"], "10.0.0.1", True),
        ("in-network", ["2001:db8::/32"], "2001:DB8:0:1::42", True),
        ("in-network", ["2001:db8::/32"], "2001:db9::1", False),
        ("in-network", ["2001:db8::1"], "2001:db8:0:0::1", True),
        ("in-network", ["0.0.0.0/0"], "::1", False),
        ("in-network", ["10.0.0.0/8"], "::ffff:10.1.2.3", True),
        ("in-network", ["::ffff:10.0.0.0/104"], "10.1.2.3", True),
        ("in-network", ["::/0"], "10.1.2.3", False),
        ("in-network", ["10.0.0.0/8"], "10.0.0.0/8", False),
        ("in-network", ["10.0.0.0/8"], "10.0.0.1 ", False),
        ("in-network", ["10.0.0.0/8"], "010.0.0.1", False),
        ("in-network", ["10.0.0.0/8"], 167772161, False),
        ("in-network", ["not", "10.0.0.0/8"], "10.0.0.1", True),
        ("is-set", [], "", True),
        ("is-set", [], False, True),
        ("is-set", [], None, False),
    ],
)
def test_an_operator_is_true_of(operator, wanted, value, expected):
    assert fits(clause(operator, *wanted), value) is expected


@pytest.mark.parametrize("value", [NOTHING, None])
@pytest.mark.parametrize("operator", [each for each in Operator if each is not Operator.IS_SET])
def test_what_is_not_there_makes_a_clause_false_also_a_negated_one(operator, value):
    assert not fits(clause(operator, "1"), value)
    assert not fits(clause(operator, "1", negated=True), value)


@pytest.mark.parametrize(("value", "expected"), [(NOTHING, True), (None, True), ("", False)])
def test_not_is_set_is_true_where_it_is_missing(value, expected):
    assert fits(clause("is-set", negated=True), value) is expected


@pytest.mark.parametrize(("value", "expected"), [("a", False), ("c", True), (["a", "c"], False), ([], True), (5, True)])
def test_a_negated_clause_is_true_where_nothing_fits(value, expected):
    assert fits(clause("in", "a", "b", negated=True), value) is expected


@pytest.mark.parametrize(
    ("operator", "wanted", "value"),
    [
        ("in", "STAFF", "staff"),
        ("starts-with", "Ab", "aBc"),
        ("ends-with", "EXAMPLE.com", "a@example.COM"),
        ("contains", "ÄB", "xäbx"),
        ("matches", "^AB", "abc"),
    ],
)
def test_case_can_be_ignored(operator, wanted, value):
    assert fits(clause(operator, wanted, ignores_case=True), value)
    assert not fits(clause(operator, wanted), value)


@pytest.mark.parametrize("operator", ["=", "<", "<=", ">", ">="])
def test_a_strict_clause_takes_no_text_for_a_number(operator):
    asked = clause(operator, 1, 99, strict=True)
    assert fits(clause(operator, 1, 99), "1") or fits(clause(operator, 1, 99), "99")
    assert not fits(asked, "1")
    assert not fits(asked, "99")


@pytest.mark.parametrize(
    ("operator", "wanted", "value", "expected"),
    [
        ("semver=", "2.0.0", "v2.0.0", True),
        ("semver=", "2.0.0", "V2", True),
        ("semver=", "2.0.0", "vv2.0.0", False),
        ("semver=", "2.0.0", 2, True),
        ("semver=", "2.0.0", 2.0, True),
        ("semver<", "2.3.0", 2.25, False),
        ("semver>", "1.1", 1.2, True),
        ("semver>=", "0.0.0-0", True, False),
        ("semver>=", "0.0.0-0", 1e22, False),
        ("semver>=", "0.0.0-0", -1, False),
        ("semver=", "2.0.0", "2.0.0.0", False),
    ],
)
def test_a_lenient_clause_takes_a_leading_v_and_a_number_for_a_version(operator, wanted, value, expected):
    assert fits(clause(operator, wanted, lenient=True), value) is expected
    assert not fits(clause(operator, wanted), value)


@settings(max_examples=300)
@given(clauses.filter(lambda each: each.operator is not Operator.IS_SET), values.filter(lambda each: each is not None))
def test_a_quick_matcher_says_what_the_plain_words_say(asked, value):
    elements = value if isinstance(value, list) else [value]
    quick = any(map(matcher(asked, python_regexes), elements)) is not asked.negated
    assert quick is holds(asked, value, python_regexes)


@given(st.text(), st.text())
def test_any_text_is_compared_without_fear(wanted, value):
    for operator in Operator:
        if operator not in (Operator.MATCHES, Operator.IS_SET):
            fits(clause(operator, wanted), value)


JSON = st.recursive(
    st.sampled_from([None, True, False, 0, 1, 1.0, -0.0, "", "1", "list", "boolean"]),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("ab"), inner, max_size=2)),
    max_leaves=4,
)


@given(JSON, JSON)
def test_what_is_the_same_can_be_looked_up_and_nothing_else(one, other):
    levels = levels_of(one)
    assert ({hashable(one, levels)} == {hashable(other, levels)}) is same(one, other)


@pytest.mark.parametrize(
    ("patterns", "value", "expected"),
    [
        (["^a$", "b|c", "d"], "c", True),
        (["^a$", "b|c", "d"], "ab", True),
        (["^a", "b$"], "xax", False),
        (["a|b", "^c"], "xc", False),
        (["(?P<n>a)", "(?P<n>b)"], "b", True),
        (["(?P<n>a)", "(?P<n>b)"], "c", False),
        ([r"\Qa.", r"\Qb\Ex"], "a.", True),
        ([r"\Qa.", r"\Qb\Ex"], "bx", True),
        ([r"\Qa.", r"\Qb\Ex"], "ab", False),
    ],
)
@pytest.mark.parametrize("ignores", [True, False])
def test_several_patterns_are_each_searched_for_alone(patterns, value, expected, ignores):
    asked = clause("matches", *patterns, ignores_case=ignores)
    assert matcher(asked, Re2Regexes())(value) is expected
    assert holds(asked, value, Re2Regexes()) is expected


def test_several_patterns_are_one_search():
    searched = []

    def regexes(pattern):
        return lambda _: searched.append(pattern) or False

    matcher(clause("matches", "a", "b|c", ignores_case=True), regexes)("x")
    assert searched == ["(?i)(?:a)|(?:b|c)"]
