"""What a route's query may be."""

import pytest

from shared.domain.errors import InvalidError
from shared.wire.query import check_query


def refused(query: str, *takes: str) -> list[str]:
    with pytest.raises(InvalidError) as caught:
        check_query(f"https://slipway.example/api/x{query}", takes)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("query", ["", "?", "?after=3", "?after=", "?at=2&after=3", "?after=%26at%3D1", "#after=3"])
def test_what_is_taken_may_stand_there_once(query):
    check_query(f"https://slipway.example/api/x{query}", ("after", "at"))


def test_what_is_not_known_is_named_with_what_is_allowed_and_never_its_value():
    assert refused("?afetr=secret", "after", "at") == [
        "afetr: is not a query parameter here (did you mean after?); allowed are after, at"
    ]
    assert refused("?x=secret", "after") == ["x: is not a query parameter here; allowed is after"]
    assert refused("?x=secret") == ["x: is not a query parameter here; this route takes none"]


def test_what_comes_twice_is_named_also_where_it_says_the_same():
    assert refused("?after=3&after=3&at=1", "after", "at") == ["after: is given 2 times; allowed is once"]


def test_no_more_than_ten_are_told_each_in_sixty_characters():
    problems = refused("?" + "&".join(f"{'n' * 100}{number}=1" for number in range(20)))

    assert len(problems) == 10
    assert all(len(problem) < 150 for problem in problems)
