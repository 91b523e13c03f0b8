"""Reads the members of small JSON objects and gathers what is wrong with them."""

import json
import re
from collections.abc import Iterable
from typing import Any, Final

from shared.domain.errors import InvalidError, Problem
from shared.domain.names import ApplicationName, Version
from shared.wire.findings import closest, shown

SLUG: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
VERSION: Final = re.compile(r"[!-~]{1,256}")
"""A digest, a package address, a revision's name or a commit: visible ASCII without spaces."""


class Fields:
    """The members of one object. Every reader notes what is wrong and answers all the same; `done` tells it all."""

    def __init__(self, value: Any, path: str = "") -> None:
        if not isinstance(value, dict):
            raise InvalidError(Problem(path, f"found {shown(value)}; allowed is a JSON object"))
        self._value: dict[str, Any] = value
        self._prefix = f"{path}." if path else ""
        self._problems: list[Problem] = []

    def done(self) -> None:
        """Raise `InvalidError` when anything was wrong."""
        if self._problems:
            raise InvalidError(*self._problems)

    def refuse(self, name: str, message: str) -> None:
        """Note a problem with one member."""
        self._problems.append(Problem(f"{self._prefix}{name}", message))

    def refuse_others(self, known: Iterable[str]) -> None:
        """Note each member that is none of the known ones."""
        names = tuple(known)
        for name in sorted(self._value.keys() - set(names))[:100]:
            near = closest(name, names) or f"; allowed are {', '.join(names)}"
            self.refuse(name[:60], f"is not a field here{near}")

    def has(self, name: str) -> bool:
        """Whether the member is there and not null."""
        return self._value.get(name) is not None

    def get(self, name: str) -> Any:
        """Return the member as it is; None where there is none."""
        return self._value.get(name)

    def text(self, name: str, *, longest: int, required: bool = True) -> str:
        """Return a text of 1 to `longest` characters; empty where it is missing or wrong."""
        value = self._value.get(name)
        if value is None and not required:
            return ""
        if value is None:
            self.refuse(name, "is missing")
        elif not isinstance(value, str) or not value:
            self.refuse(name, f"found {shown(value)}; allowed is a text of at least one character")
        elif len(value) > longest:
            self.refuse(name, f"has {len(value)} characters; allowed are at most {longest}")
        else:
            return value
        return ""

    def application(self) -> ApplicationName:
        """Return the member `application`."""
        name = self.text("application", longest=200)
        if name and not SLUG.fullmatch(name):
            self.refuse(
                "application",
                f"found {shown(name)}; allowed are lower-case letters, digits and inner hyphens, at most 63 characters",
            )
        return ApplicationName(name)

    def version(self, *, required: bool = True) -> Version:
        """Return the member `version`; empty when it is not required and not there."""
        value = self._value.get("version")
        if isinstance(value, int | float) and not isinstance(value, bool):
            self.refuse("version", f"found the number {shown(value)}; a version is a text: write {quoted(value)}")
            return Version("")
        text = self.text("version", longest=256, required=required)
        if text and not VERSION.fullmatch(text):
            self.refuse("version", f"found {shown(text)}; allowed are visible ASCII characters without spaces")
        return Version(text)


def quoted(number: float) -> str:
    """Return the number as a JSON text."""
    return json.dumps(json.dumps(number))
