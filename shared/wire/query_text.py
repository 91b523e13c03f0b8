"""What can be seen of a query without its server: that its texts end, and that its brackets close.

The server has the last word. This only tells an author at once what no server would take.
"""

from collections.abc import Iterator
from enum import Enum
from typing import Final

_CLOSING: Final = {"(": ")", "[": "]", "{": "}"}


class Language(Enum):
    """What a query is written in, by how a remark begins in it."""

    KQL = "//"
    PROMQL = "#"


def parse_query(text: str, language: Language) -> str:
    """Return the query. Raises ValueError when a text in it does not end or a bracket does not close."""
    if not text.strip():
        raise ValueError("allowed is a query that says something")
    _check_brackets(_outside_texts(text, language))
    return text


def parse_selector(text: str) -> str:
    """Return a PromQL selector of series. Raises ValueError for what is none, such as a function of one."""
    outside = "".join(_outside_texts(parse_query(text, Language.PROMQL), Language.PROMQL))
    if wrong := [mark for mark in "()[]" if mark in outside]:
        raise ValueError(
            f'allowed is a selector such as http_requests_total{{app="shop"}} without {wrong[0]}: '
            "what is counted over which time is filled in"
        )
    return text


def _check_brackets(characters: Iterator[str]) -> None:
    open_: list[str] = []
    for character in characters:
        if character in _CLOSING:
            open_.append(character)
        elif character in _CLOSING.values() and (not open_ or _CLOSING[open_.pop()] != character):
            raise ValueError(f"allowed is a query whose brackets close: this {character} closes nothing")
    if open_:
        raise ValueError(f"allowed is a query whose brackets close: the last {open_[-1]} is not closed")


def _outside_texts(text: str, language: Language) -> Iterator[str]:
    """Yield the characters outside of texts and remarks. Raises ValueError when a text does not end."""
    at = 0
    while at < len(text):
        if text.startswith(language.value, at):
            at = _after(text, "\n", at)
        elif begins := _quote_at(text, at, language):
            at = _end_of_text(text, at + len(begins), begins)
        else:
            yield text[at]
            at += 1


def _quote_at(text: str, at: int, language: Language) -> str:
    """Return the marks with which a text begins here; nothing where none does."""
    if language is Language.PROMQL:
        return text[at] if text[at] in "\"'`" else ""
    if text.startswith("```", at):
        return "```"
    raw = text[at : at + 2]
    if raw in ("@'", '@"'):
        return raw
    return text[at] if text[at] in "\"'" else ""


def _end_of_text(text: str, at: int, begins: str) -> int:
    closing = begins.removeprefix("@")
    while at < len(text):
        if text.startswith(closing, at):
            return at + len(closing)
        escaped = text[at] == "\\" and begins in ("'", '"')
        at += 2 if escaped else 1
    raise ValueError(f"allowed is a query whose texts end: one that begins with {closing} does not")


def _after(text: str, mark: str, at: int) -> int:
    found = text.find(mark, at)
    return len(text) if found < 0 else found + len(mark)
