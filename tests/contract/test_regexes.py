"""Regular expressions of flags: what is found, what is refused, and that none of them hangs."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from shared.adapters.re2.regexes import Re2Regexes


@pytest.fixture(params=[Re2Regexes], ids=lambda adapter: adapter.__name__)
def regexes(request):
    return request.param()


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("b", "abc", True),
        ("^b", "abc", False),
        ("^a.c$", "aäc", True),
        ("é", "café", True),
        ("(?i)STAFF", "the staff", True),
        (r"\d{3}-\d{4}", "call 555-1234 now", True),
        (r"^\w+@example\.com$", "ann@example.com", True),
        ("", "anything", True),
        ("a", "\ud800a", True),
    ],
)
def test_a_pattern_is_found_anywhere_in_a_text(regexes, pattern, text, found):
    assert regexes(pattern)(text) is found


@pytest.mark.parametrize(
    "pattern", ["(", "[", "a{2,1}", "(?=ahead)", r"(a)\1", "(a{1000}){1000}", "(((a{100}){100}){100})"]
)
def test_what_is_no_pattern_in_re2s_syntax_is_refused_with_the_reason(regexes, pattern):
    with pytest.raises(ValueError, match=r"\w"):
        regexes(pattern)


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(a|a)*$", r"(\w+\s?)*$"])
def test_no_pattern_takes_more_than_time_in_proportion_to_the_text(regexes, pattern):
    search = regexes(pattern)
    began = time.perf_counter()
    search("a" * 50_000 + "!")
    assert time.perf_counter() - began < 1


def test_the_library_is_not_imported_before_the_first_pattern():
    code = "import sys, shared.adapters.re2.regexes as a; a.Re2Regexes(); sys.exit('re2' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2], timeout=60)
