"""Route templates as ASP.NET Core reads them: literals, parameters, constraints, defaults, catch-alls.

The Functions host matches HTTP requests with these, so `api/things/{id:int}` means here what it means
on Azure. Segments compare without regard to case.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

_PARAMETER = re.compile(
    r"^(?P<stars>\*{0,2})(?P<name>[^:=?*/{}]+)(?P<constraints>(?::[^:=?(]+(?:\((?:[^()]|\([^()]*\))*\))?)*)"
    r"(?:=(?P<default>.*?))?(?P<optional>\?)?$"
)
_CONSTRAINT = re.compile(r":(?P<name>[^:=?(]+)(?:\((?P<argument>(?:[^()]|\([^()]*\))*)\))?")


def _parses(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def check(value: str) -> bool:
        try:
            parse(value)
        except ValueError:
            return False
        return True

    return check


def _integer(bits: int) -> Callable[[str], bool]:
    limit = 2 ** (bits - 1)
    return lambda value: bool(re.fullmatch(r"[+-]?\d{1,19}", value)) and -limit <= int(value) < limit


_PLAIN_CONSTRAINTS: dict[str, Callable[[str], bool]] = {
    "int": _integer(32),
    "long": _integer(64),
    "bool": lambda value: value.lower() in ("true", "false"),
    "guid": _parses(UUID),
    "alpha": lambda value: bool(re.fullmatch(r"[A-Za-z]*", value)),
    "decimal": _parses(float),
    "double": _parses(float),
    "float": _parses(float),
    "datetime": _parses(datetime.fromisoformat),
    "required": bool,
}


def _constraint(name: str, argument: str | None) -> Callable[[str], bool]:
    if argument is None:
        if name.lower() not in _PLAIN_CONSTRAINTS:
            raise ValueError(f"unknown route constraint {name[:100]!r}")
        return _PLAIN_CONSTRAINTS[name.lower()]
    if name.lower() == "regex":
        pattern = re.compile(argument.replace("{{", "{").replace("}}", "}"), re.IGNORECASE)
        return lambda value: pattern.search(value) is not None
    low, _, high = argument.partition(",")
    first, second = int(low), int(high) if high else int(low)
    match name.lower():
        case "length":
            return lambda value: first <= len(value) <= second
        case "minlength":
            return lambda value: len(value) >= first
        case "maxlength":
            return lambda value: len(value) <= first
        case "min":
            return lambda value: _PLAIN_CONSTRAINTS["long"](value) and int(value) >= first
        case "max":
            return lambda value: _PLAIN_CONSTRAINTS["long"](value) and int(value) <= first
        case "range":
            return lambda value: _PLAIN_CONSTRAINTS["long"](value) and first <= int(value) <= second
    raise ValueError(f"unknown route constraint {name[:100]!r}")


@dataclass(frozen=True, slots=True)
class _Parameter:
    name: str
    checks: tuple[Callable[[str], bool], ...]
    default: str | None
    optional: bool
    catch_all: bool

    @property
    def omissible(self) -> bool:
        return self.optional or self.catch_all or self.default is not None


@dataclass(frozen=True, slots=True)
class _Segment:
    pattern: re.Pattern[str]
    parameters: tuple[_Parameter, ...]


def _parse_parameter(text: str) -> _Parameter:
    found = _PARAMETER.match(text)
    if found is None:
        raise ValueError(f"malformed route parameter {{{text[:100]}}}")
    checks = tuple(_constraint(each["name"], each["argument"]) for each in _CONSTRAINT.finditer(found["constraints"]))
    return _Parameter(found["name"], checks, found["default"], found["optional"] is not None, bool(found["stars"]))


def _pieces(segment: str) -> Iterator[tuple[bool, str]]:
    """Yield `(is_parameter, text)` for a segment such as `v{major}.{minor}`."""
    position = 0
    for found in re.finditer(r"\{((?:[^{}]|\{\{|\}\})+)\}(?!\})", segment):
        if found.start() > position:
            yield False, segment[position : found.start()]
        yield True, found[1]
        position = found.end()
    if position < len(segment):
        yield False, segment[position:]


def _parse_segment(text: str) -> _Segment:
    pattern, parameters = "", []
    for is_parameter, piece in _pieces(text):
        if is_parameter:
            parameters.append(_parse_parameter(piece))
            pattern += "(.+)"
        elif "{" in piece or "}" in piece:
            raise ValueError(f"unbalanced braces in route segment {text[:100]!r}")
        else:
            pattern += re.escape(piece)
    return _Segment(re.compile(pattern, re.IGNORECASE | re.DOTALL), tuple(parameters))


def _split(template: str) -> list[str]:
    """Split at the slashes that stand outside of braces."""
    return re.findall(r"(?:\{(?:[^{}]|\{\{|\}\})*\}|[^/{}]|[{}])+", template.strip("/"))


class RouteTemplate:
    """One parsed template. Raises `ValueError` when the text is no template of ASP.NET Core's."""

    def __init__(self, text: str) -> None:
        self.text = text.strip("/")
        self._segments = tuple(_parse_segment(each) for each in _split(self.text))
        for segment in self._segments[:-1]:
            if any(each.catch_all for each in segment.parameters):
                raise ValueError(f"a catch-all must be the last segment of route {text[:100]!r}")

    def match(self, path: Sequence[str]) -> dict[str, str] | None:
        """Return the parameters of a path given as its decoded segments, or None when it does not fit."""
        values: dict[str, str] = {}
        for index, segment in enumerate(self._segments):
            only = segment.parameters[0] if len(segment.parameters) == 1 else None
            if only is not None and only.catch_all:
                return values if self._take(only, "/".join(path[index:]), values) else None
            if index >= len(path):
                if only is None or not only.omissible:
                    return None
                if only.default is not None:
                    values[only.name] = only.default
                continue
            found = segment.pattern.fullmatch(path[index])
            if found is None:
                return None
            for parameter, value in zip(segment.parameters, found.groups(), strict=True):
                if not self._take(parameter, value, values):
                    return None
        return values if len(path) <= len(self._segments) else None

    @staticmethod
    def _take(parameter: _Parameter, value: str, values: dict[str, str]) -> bool:
        if value == "":
            if parameter.default is not None:
                values[parameter.name] = parameter.default
            return parameter.omissible
        if not all(check(value) for check in parameter.checks):
            return False
        values[parameter.name] = value
        return True
