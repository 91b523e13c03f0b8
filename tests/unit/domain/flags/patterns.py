"""Searches of patterns, for tests that need no more of a regular expression than Python's has."""

import re


def python_regexes(pattern):
    """Stand for RE2 where only plain patterns are asked for."""
    try:
        return lambda text, search=re.compile(pattern).search: search(text) is not None
    except re.error as error:
        raise ValueError(str(error)) from error
