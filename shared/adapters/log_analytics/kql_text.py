"""KQL's literals: whatever is put into a query goes through here, so no text of a user's stands outside a literal."""

from datetime import UTC, datetime, timedelta


def string(text: str) -> str:
    """Return the text as a string literal. Every character that could end it, or its line, is escaped."""
    return "'" + "".join(_escaped(character) for character in text) + "'"


def moment(at: datetime) -> str:
    """Return a datetime literal, in UTC."""
    return f"datetime({at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z)"


def span(length: timedelta) -> str:
    """Return a timespan literal."""
    return f"{length // timedelta(milliseconds=1)}ms"


def _escaped(character: str) -> str:
    if character in "'\"\\":
        return "\\" + character
    if character.isprintable():
        return character
    number = ord(character)
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
