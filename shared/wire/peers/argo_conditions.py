"""The conditions of an Argo analysis as limits, as far as they compare one figure with fixed numbers."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from shared.wire.peers.measuring import Limit

_NUMBER: Final = r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?"
_FIGURE: Final = rf"(?:asFloat\()?(?:default\()?result(?:\[0\])?(?:,{_NUMBER}\))?\)?"
_COMPARED: Final = re.compile(rf"(?P<figure>{_FIGURE})(?P<operator>>=|<=|==|>|<)(?P<bound>{_NUMBER})")
_TURNED: Final = re.compile(rf"(?P<bound>{_NUMBER})(?P<operator>>=|<=|==|>|<)(?P<figure>{_FIGURE})")
_PRESENCE: Final = re.compile(r"len\(result\)(?:>0|>=1|!=0|==0|<1)|!?isNaN\(result(?:\[0\])?\)|result!=nil|result==nil")
_MIRRORED: Final = {">=": "<=", "<=": ">=", ">": "<", "<": ">", "==": "=="}
_OPPOSITE: Final = {">=": "<", "<=": ">", ">": "<=", "<": ">="}


@dataclass(frozen=True, slots=True)
class Condition:
    """What a condition allows."""

    limit: Limit
    is_strict: bool
    """Whether the bound itself was no good value; here it is."""
    names_presence: bool
    """Whether it also says what is when there is no value."""


def success(text: str) -> Condition:
    """Return what a condition of success allows. Raises ValueError for one that is more than limits of one figure."""
    return _condition(text, "&&", fails=False)


def failure(text: str) -> Condition:
    """Return what a condition of failure leaves as good. Raises ValueError as `success` does."""
    return _condition(text, "||", fails=True)


def both(first: Limit, second: Limit) -> Limit:
    """Return the limit that allows what both allow."""
    least = [each for each in (first.least, second.least) if each is not None]
    most = [each for each in (first.most, second.most) if each is not None]
    return Limit(max(least, default=None), min(most, default=None))


def _condition(text: str, joined: str, *, fails: bool) -> Condition:
    atoms = [re.sub(r"\s", "", atom) for atom in re.split(r"\|\||&&", text)]
    atoms = [_unwrapped(atom) for atom in atoms]
    figures = [atom for atom in atoms if not _PRESENCE.fullmatch(atom)]
    other = "||" if joined == "&&" else "&&"
    if not figures or (len(figures) > 1 and other in text):
        raise ValueError(_TOO_MUCH)
    limit, is_strict = Limit(), False
    for atom in figures:
        one, strict = _limit(atom, fails=fails)
        limit, is_strict = both(limit, one), is_strict or strict
    return Condition(limit, is_strict, len(figures) < len(atoms))


_TOO_MUCH: Final = "a guard has a least and a greatest good value, and this condition says more"


def _limit(atom: str, *, fails: bool) -> tuple[Limit, bool]:
    match = _COMPARED.fullmatch(atom) or _TURNED.fullmatch(atom)
    if match is None:
        raise ValueError(_TOO_MUCH)
    bound = Decimal(match["bound"])
    operator = match["operator"] if atom.startswith(match["figure"]) else _MIRRORED[match["operator"]]
    if fails:
        if operator not in _OPPOSITE:
            raise ValueError(_TOO_MUCH)
        operator = _OPPOSITE[operator]
    match operator:
        case "==":
            return Limit(bound, bound), False
        case ">=" | ">":
            return Limit(least=bound), operator == ">"
        case _:
            return Limit(most=bound), operator == "<"


def _unwrapped(atom: str) -> str:
    while atom.startswith("(") and atom.endswith(")"):
        atom = atom[1:-1]
    if atom.count("(") > atom.count(")"):
        atom = atom.removeprefix("(")
    elif atom.count(")") > atom.count("("):
        atom = atom.removesuffix(")")
    return atom
