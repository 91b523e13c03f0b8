"""The Gateway API's order of precedence among matches, and the division by weights."""

from collections import Counter
from random import Random

import pytest

from local.cloud.kubernetes.matching import Asked, deal, find_rule


def rule(name, path="/", kind="PathPrefix", **match):
    return {"name": name, "matches": [{"path": {"type": kind, "value": path}, **match}]}


def headers(*names):
    return [{"type": "Exact", "name": name, "value": "1"} for name in names]


def ask(path="/", method="GET", query=None, **named):
    return Asked(
        method=method, path=path, headers={name.lower(): value for name, value in named.items()}, query=query or {}
    )


@pytest.mark.parametrize(
    ("rules", "asked", "found"),
    [
        ([rule("all"), rule("longer", "/a"), rule("exact", "/a/b", "Exact")], ask("/a/b"), "exact"),
        ([rule("all"), rule("longer", "/a"), rule("exact", "/a/b", "Exact")], ask("/a/b/c"), "longer"),
        ([rule("all"), rule("longer", "/a")], ask("/ab"), "all"),
        ([rule("header", headers=headers("X")), rule("longer", "/a")], ask("/a", X="1"), "longer"),
        ([rule("method", method="GET"), rule("header", headers=headers("X"))], ask(X="1"), "method"),
        ([rule("one", headers=headers("X")), rule("two", headers=headers("x", "Y"))], ask(X="1", Y="1"), "two"),
        ([rule("one", headers=headers("X")), rule("two", headers=headers("x", "Y"))], ask(X="1"), "one"),
        ([rule("none"), rule("query", queryParams=headers("q"))], ask(query={"q": "1"}), "query"),
        ([rule("first"), rule("second")], ask(), "first"),
        ([rule("post", method="POST")], ask(), None),
        ([rule("exact", "/a", "Exact")], ask("/a/"), None),
    ],
)
def test_the_most_precise_match_wins_and_among_equals_the_first(rules, asked, found):
    chosen = find_rule(rules, asked)

    assert (chosen and chosen["name"]) == found


def test_a_regular_expression_matches_the_whole_header():
    pattern = {"type": "RegularExpression", "name": "Cookie", "value": r"^(.*;\s*)?a=1(;.*)?$"}
    rules = [rule("cookie", headers=[pattern])]

    for cookie in ("a=1", "b=2; a=1", "a=1; b=2"):
        assert find_rule(rules, ask(Cookie=cookie))
    for cookie in ("a=12", "aa=1", "b=a=1", ""):
        assert find_rule(rules, ask(Cookie=cookie)) is None


def test_requests_are_dealt_by_weight_and_none_to_weight_zero():
    references = [{"name": "a", "weight": 0}, {"name": "b", "weight": 3}, {"name": "c", "weight": 1}]
    random = Random(7)

    dealt = Counter(deal({"backendRefs": references}, random) for _ in range(10_000))

    assert dealt.keys() == {"b", "c"}
    assert abs(dealt["b"] - 7_500) <= 3 * (10_000 * 0.75 * 0.25) ** 0.5
    assert deal({"backendRefs": [{"name": "a", "weight": 0}]}, random) is None
