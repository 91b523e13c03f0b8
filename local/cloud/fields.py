"""Reading a JSON object from outside field by field; what is wrong is said with the field's name."""

import math
from typing import Any


class BadFieldError(Exception):
    """One field of a body is wrong, unknown or missing."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Fields:
    """A JSON object of known fields. Each method raises `BadFieldError` when its field is not as it says."""

    def __init__(self, body: Any, *known: str) -> None:
        if not isinstance(body, dict):
            raise BadFieldError("", "the body must be a JSON object")
        for name in body:
            if name not in known:
                raise BadFieldError(name, f"unknown field; known are {', '.join(known)}")
        self._body = body

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text of 1 to 200 printable ASCII characters; without a default it is required."""
        value = self._read(name, default)
        if not isinstance(value, str) or (value != default and not 0 < len(value) <= 200) or not _plain(value):
            raise BadFieldError(name, "must be a text of 1 to 200 printable ASCII characters")
        return value

    def choice(self, name: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        """Return one of the allowed words."""
        value = self._read(name, default)
        if value not in allowed:
            raise BadFieldError(name, f"must be one of {', '.join(allowed)}")
        return str(value)

    def number(self, name: str, least: float, most: float, default: float | None = None) -> float:
        """Return a finite number from `least` to `most`."""
        value = self._read(name, default)
        # A whole number may be longer than any float.
        if not isinstance(value, int | float) or isinstance(value, bool) or _is_odd(value):
            raise BadFieldError(name, "must be a number")
        if not least <= value <= most:
            raise BadFieldError(name, f"must be from {least:g} to {most:g}")
        return value

    def integer(self, name: str, least: int, most: int, default: int) -> int:
        """Return a whole number from `least` to `most`."""
        value = self._read(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise BadFieldError(name, f"must be a whole number from {least} to {most}")
        return value

    def optional_integer(self, name: str, least: int, most: int) -> int | None:
        """Return a whole number, or None where the field is missing or null."""
        return None if self._body.get(name) is None else self.integer(name, least, most, least)

    def flag(self, name: str) -> bool:
        """Return true or false; false where the field is missing."""
        value = self._body.get(name, False)
        if not isinstance(value, bool):
            raise BadFieldError(name, "must be true or false")
        return value

    def texts(self, name: str) -> tuple[tuple[str, str], ...]:
        """Return an object of texts as pairs, by name; none where the field is missing."""
        value = self._body.get(name, {})
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            raise BadFieldError(name, "must be an object of texts")
        return tuple(sorted(value.items()))

    def _read(self, name: str, default: Any) -> Any:
        value = self._body.get(name)
        if value is None and default is None:
            raise BadFieldError(name, "is required")
        return default if value is None else value


def _is_odd(number: float) -> bool:
    return isinstance(number, float) and not math.isfinite(number)


def _plain(text: str) -> bool:
    return text.isascii() and text.isprintable()
