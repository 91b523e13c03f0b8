"""Each of Unleash's constraint operators can be said with ours. The outcomes are those of its engine, yggdrasil 2.0.

Unleash compares texts: a context has texts only, and a constraint's values are texts. What a context lacks fits none of
its values, so `NOT_IN`, and every constraint that is inverted, is true there: that is `Not`, and no negated clause.
"""

from datetime import UTC, datetime

import pytest

from shared.domain.flags.model import Attribute, Clause, During, Not, Operator
from tests.unit.domain.flags.flags import is_on

OPERATORS = {
    "IN": Operator.IN,
    "NOT_IN": Operator.IN,
    "STR_CONTAINS": Operator.CONTAINS,
    "STR_STARTS_WITH": Operator.STARTS_WITH,
    "STR_ENDS_WITH": Operator.ENDS_WITH,
    "REGEX": Operator.MATCHES,
    "NUM_EQ": Operator.EQUAL,
    "NUM_GT": Operator.GREATER,
    "NUM_GTE": Operator.AT_LEAST,
    "NUM_LT": Operator.LESS,
    "NUM_LTE": Operator.AT_MOST,
    "DATE_AFTER": Operator.AFTER,
    "DATE_BEFORE": Operator.BEFORE,
    "SEMVER_EQ": Operator.SEMVER_EQUAL,
    "SEMVER_GT": Operator.SEMVER_GREATER,
    "SEMVER_GTE": Operator.SEMVER_AT_LEAST,
    "SEMVER_LT": Operator.SEMVER_LESS,
    "SEMVER_LTE": Operator.SEMVER_AT_MOST,
    "IN_CIDR": Operator.IN_NETWORK,
}


def condition_of(operator, *values, inverted=False, ignores_case=False):
    """What a constraint on the field `x` is here."""
    clause = Clause(attribute=Attribute(("x",)), operator=OPERATORS[operator], values=values, ignores_case=ignores_case)
    return Not(clause) if inverted is not (operator == "NOT_IN") else clause


CASES = [
    ("IN", ["a", "b"], "b", True),
    ("IN", ["a", "b"], "c", False),
    ("IN", ["a"], "A", False),
    ("IN", ["a"], None, False),
    ("IN", [], "a", False),
    ("NOT_IN", ["a", "b"], "b", False),
    ("NOT_IN", ["a", "b"], "c", True),
    ("NOT_IN", ["a"], None, True),
    ("STR_CONTAINS", ["x", "b"], "abc", True),
    ("STR_CONTAINS", ["B"], "abc", False),
    ("STR_STARTS_WITH", ["ab", "z"], "abc", True),
    ("STR_STARTS_WITH", ["b"], "abc", False),
    ("STR_ENDS_WITH", ["@example.com"], "ann@example.com", True),
    ("STR_ENDS_WITH", ["@example.com"], "ann@example.org", False),
    ("STR_ENDS_WITH", ["c"], None, False),
    ("NUM_EQ", ["5"], "5.0", True),
    ("NUM_EQ", ["5"], "6", False),
    ("NUM_EQ", ["5"], "five", False),
    ("NUM_GT", ["5"], "5", False),
    ("NUM_GT", ["5"], "5.1", True),
    ("NUM_GTE", ["5"], "5", True),
    ("NUM_LT", ["5"], "-1", True),
    ("NUM_LT", ["5"], None, False),
    ("NUM_LTE", ["5"], "5", True),
    ("NUM_LTE", ["5"], "5.01", False),
    ("DATE_AFTER", ["2026-01-01T00:00:00Z"], "2026-01-01T00:00:01Z", True),
    ("DATE_AFTER", ["2026-01-01T00:00:00Z"], "2025-12-31T23:59:59.999Z", False),
    ("DATE_BEFORE", ["2026-01-01T00:00:00Z"], "2026-01-01T00:30:00+01:00", True),
    ("DATE_BEFORE", ["2026-01-01T00:00:00Z"], "2026-01-01T00:00:00.000Z", False),
    ("SEMVER_EQ", ["1.2.3"], "1.2.3", True),
    ("SEMVER_EQ", ["1.2.3"], "1.2.3-rc.1", False),
    ("SEMVER_GT", ["1.2.3"], "1.10.0", True),
    ("SEMVER_GT", ["1.2.3"], "1.2.3", False),
    ("SEMVER_LT", ["1.2.3"], "1.2.3-beta.2", True),
    ("SEMVER_LT", ["1.2.3"], "none", False),
    ("SEMVER_GTE", ["1.2.3"], "1.2.3", True),
    ("SEMVER_GTE", ["1.2.3"], "1.2.3-rc.1", False),
    ("SEMVER_LTE", ["1.2.3"], "1.2.3", True),
    ("SEMVER_LTE", ["1.2.3"], "1.2.4", False),
    ("SEMVER_EQ", ["1.2.3"], "v1.2.3", False),
    ("IN_CIDR", ["10.0.0.0/8"], "10.1.2.3", True),
    ("IN_CIDR", ["10.0.0.0/8"], None, False),
    ("IN_CIDR", ["10.0.0.0/8", "fd00::/8"], "fd12::1", True),
    ("IN_CIDR", ["10.0.0.1"], "10.0.0.2", False),
    ("REGEX", ["^a+b$"], "aab", True),
    ("REGEX", ["^a+b$"], "aac", False),
]
CASELESS = [
    ("STR_CONTAINS", ["B"], "abc", True),
    ("STR_STARTS_WITH", ["AB"], "abc", True),
    ("STR_ENDS_WITH", ["BC"], "abC", True),
    ("STR_ENDS_WITH", ["AB"], "abc", False),
    ("REGEX", ["^AB"], "abc", True),
]


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize(("operator", "values", "value", "expected"), CASES)
def test_a_constraint_is_a_condition(operator, values, value, expected, inverted):
    context = {} if value is None else {"x": value}
    assert is_on(condition_of(operator, *values, inverted=inverted), context) is not (expected is inverted)


@pytest.mark.parametrize(("operator", "values", "value", "expected"), CASELESS)
def test_case_is_ignored_where_it_is_there(operator, values, value, expected):
    assert is_on(condition_of(operator, *values, ignores_case=True), {"x": value}) is expected


def test_every_operator_has_a_case():
    assert {operator for operator, *_ in CASES} == set(OPERATORS)


def test_a_date_without_a_time_in_the_context_is_a_window():
    """Unleash takes the clock's time for `currentTime` where the context has none."""
    after = During(since=datetime(2026, 1, 1, tzinfo=UTC))
    assert [is_on(after, now=datetime(year, 6, 1, tzinfo=UTC).timestamp()) for year in (2025, 2026)] == [False, True]
