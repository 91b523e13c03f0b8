"""What is seen at once of a query that no server would take."""

import pytest

from shared.wire.query_text import Language, parse_query, parse_selector

KQL, PROMQL = Language.KQL, Language.PROMQL


@pytest.mark.parametrize(
    ("query", "language"),
    [
        ("customEvents | where name == 'paid' | count", KQL),
        ("customEvents | where name in ('a)', \"b]\") | summarize count() by bin(timestamp, 1m)", KQL),
        (r"T | where x == 'it\'s } ' | extend y = dynamic([1, {'a': 2}])", KQL),
        (r"T | where path startswith @'c:\' and x == @" + '"}"', KQL),
        ("T | where x == @'it''s (' ", KQL),
        ("T // a remark (\n| count", KQL),
        ("T | where x == ```several (\nlines```", KQL),
        ("T | where u == 'http://example.org/('", KQL),
        ('increase(paid_total{version="$version"}[$window])', PROMQL),
        ("sum(paid_total{path=`\\`}) # a remark )", PROMQL),
        ('paid_total{a="}"}', PROMQL),
    ],
)
def test_a_query_whose_texts_end_and_whose_brackets_close_is_taken_as_it_is(query, language):
    assert parse_query(query, language) == query


@pytest.mark.parametrize(
    ("query", "language", "trouble"),
    [
        ("T | where (a == 1", KQL, r"the last \( is not closed"),
        ("T | where a == 1)", KQL, r"this \) closes nothing"),
        ("T | where f(a]", KQL, r"this \] closes nothing"),
        ("T | where a == 'x", KQL, "one that begins with ' does not"),
        ('T | where a == "x\\"', KQL, 'begins with " does not'),
        ("T | where a == @'x\\", KQL, "begins with ' does not"),
        ('paid_total{a="}', PROMQL, 'begins with " does not'),
        ("paid_total{a=`}", PROMQL, "begins with ` does not"),
        ("sum(paid_total", PROMQL, r"the last \( is not closed"),
        ("paid_total}", PROMQL, "this } closes nothing"),
        ("paid_total # {\n {", PROMQL, "the last { is not closed"),
        (" \n ", KQL, "says something"),
    ],
)
def test_a_query_that_breaks_off_is_refused(query, language, trouble):
    with pytest.raises(ValueError, match=trouble):
        parse_query(query, language)


@pytest.mark.parametrize("selector", ["up", 'http_requests_total{app="shop",code=~"5[0-9]{2}|(a)"}', '{__name__="a"}'])
def test_a_selector_of_series_is_taken(selector):
    assert parse_selector(selector) == selector


@pytest.mark.parametrize("query", ["sum(up)", "up[5m]", "rate(up[5m])"])
def test_a_function_or_a_range_is_no_selector(query):
    with pytest.raises(ValueError, match="allowed is a selector such as"):
        parse_selector(query)
