"""The rules of an audience: for each divided rule a twin before it, for marked requests, to the candidate alone.

A twin repeats its rule's matches with the mark added. Gateways choose by the path before they count headers, so one
rule for all paths would lose to each divided rule with a longer one. Everything else of the rule (filters, time-outs)
is repeated too: a marked request meets what the same request without its mark would meet, but for the backend.

Twins are known by their names. Where the API is too old for names of rules it drops them, and a twin is known by its
likeness to the rule that it repeats, with the mark that the route's annotation tells.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from shared.adapters.gateway_api.division import Divided, divided_rules
from shared.adapters.gateway_api.json_patch import Operation, expect, put, take_away, token
from shared.adapters.gateway_api.route import Route, Rule, UnfitError
from shared.domain.rollout.spec import Located
from shared.ports.audience import CarriedIn, RequestMark

ANNOTATION: Final = "slipway/audience"
_NAMES: Final = "slipway-audience-"
_ANY_PATH: Final = ({"path": {"type": "PathPrefix", "value": "/"}},)
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]{1,256}")
_VALUE: Final = re.compile(r"[!-~](?:[ -~]{0,4094}[!-~])?")
_COOKIE_VALUE: Final = re.compile(r"[!#-+\--:<-\[\]-~]{1,1000}")
_COOKIE_PATTERN: Final = re.compile(r"\^\(\.\*;\\s\*\)\?(?P<name>.+?)=(?P<value>.+)\(;\.\*\)\?\$", re.DOTALL)


def read_mark(route: Route, located: Located) -> RequestMark | None:
    """Return the mark of the route's audience; None where it has none."""
    marks = [_mark_of(route.rules[at]) for at in _own(route, located)]
    return next((mark for mark in marks if mark is not None), None)


def plan_mark(route: Route, located: Located, mark: RequestMark | None) -> list[Operation]:
    """Return the patch after which this is the audience; nothing where it is already.

    Raises `UnfitError` for a mark that cannot be matched, or where no rule names both backends.
    """
    own = _own(route, located)
    divided = divided_rules(route, located.stable, located.candidate)
    wanted = [] if mark is None else _twins(divided, located, mark)
    told = None if mark is None else _told(mark)
    if _are_there(route, own, wanted) and route.annotations.get(ANNOTATION) == told:
        return []
    away = [take_away(f"/spec/rules/{at}") for at in reversed(own)]
    put_in = [put(f"/spec/rules/{at}", twin) for at, twin in enumerate(wanted)]
    return [
        expect("/metadata/resourceVersion", route.version),
        *_names_of(route, own),
        *_annotate(route, told),
        *away,
        *put_in,
    ]


def _twins(divided: Sequence[Divided], located: Located, mark: RequestMark) -> list[dict[str, Any]]:
    if not divided:
        raise UnfitError(f"no rule names both {located.stable} and {located.candidate}")
    header = _header(mark)
    return [_twin(one, located, header, f"{_NAMES}{number}") for number, one in enumerate(divided)]


def _twin(divided: Divided, located: Located, header: Mapping[str, str], name: str) -> dict[str, Any]:
    document = divided.rule.document
    matches = [_marked(match, header, divided.at) for match in document.get("matches") or _ANY_PATH]
    references = document.get("backendRefs") or ()
    reference = next(one for one in references if one["name"] == located.candidate)
    return {**document, "name": name, "matches": matches, "backendRefs": [{**reference, "weight": 1}]}


def _marked(match: Mapping[str, Any], header: Mapping[str, str], at: int) -> dict[str, Any]:
    headers = match.get("headers") or ()
    if any(str(one.get("name")).lower() == header["name"].lower() for one in headers):
        raise UnfitError(
            f"rule {at} matches the header {header['name']} itself, and one header can be matched once: choose another"
        )
    return {**match, "headers": [*headers, dict(header)]}


def _header(mark: RequestMark) -> dict[str, str]:
    """Return the match of a mark. A cookie is matched within its header, which not every gateway can do."""
    match mark.carried_in:
        case CarriedIn.HEADER:
            if not _TOKEN.fullmatch(mark.name) or mark.name.lower() == "cookie":
                raise UnfitError("the audience's header is no name of a header, or that of cookies: choose another")
            if not _VALUE.fullmatch(mark.value):
                raise UnfitError("the audience's value must be 1 to 4096 visible ASCII characters")
            return {"type": "Exact", "name": mark.name, "value": mark.value}
        case CarriedIn.COOKIE:
            if not _TOKEN.fullmatch(mark.name) or not _COOKIE_VALUE.fullmatch(mark.value):
                raise UnfitError("the audience's cookie must have a name and a value as cookies can have")
            pattern = rf"^(.*;\s*)?{re.escape(mark.name)}={re.escape(mark.value)}(;.*)?$"
            return {"type": "RegularExpression", "name": "Cookie", "value": pattern}


def _own(route: Route, located: Located) -> list[int]:
    """Return the numbers of the rules that are an audience's."""
    named = [at for at, rule in enumerate(route.rules) if rule.name.startswith(_NAMES)]
    told = route.annotations.get(ANNOTATION)
    if named or told is None:
        return named
    return [at for at, rule in enumerate(route.rules) if not rule.name and _is_twin(route, rule, located, told)]


def _is_twin(route: Route, rule: Rule, located: Located, told: str) -> bool:
    mark = _mark_of(rule)
    names = {backend.name for backend in rule.backends}
    if (
        mark is None
        or _told(mark) != told
        or len(rule.backends) != 1
        or not names <= {located.stable, located.candidate}
    ):
        return False
    # A twin of an earlier rollout may lead to what is the stable backend by now.
    (leads_to,) = names
    other = located.stable if leads_to == located.candidate else located.candidate
    towards = Located(stable=other, candidate=leads_to)
    divided = divided_rules(route, located.stable, located.candidate)
    try:
        return any(_without_name(twin) == rule.document for twin in _twins(divided, towards, mark))
    except UnfitError:
        return False


def _mark_of(rule: Rule) -> RequestMark | None:
    """Return the mark that a twin's matches end with."""
    matches: Sequence[Any] = rule.document.get("matches") or ({},)
    match (matches[0].get("headers") or ({},))[-1]:
        case {"type": "RegularExpression", "name": "Cookie", "value": str(pattern)}:
            found = _COOKIE_PATTERN.fullmatch(pattern)
            if found is None:
                return None
            return RequestMark(carried_in=CarriedIn.COOKIE, name=_plain(found["name"]), value=_plain(found["value"]))
        case {"name": str(name), "value": str(value), **others} if others.get("type", "Exact") == "Exact":
            return RequestMark(carried_in=CarriedIn.HEADER, name=name, value=value)
    return None


def _plain(pattern: str) -> str:
    return re.sub(r"\\(.)", r"\1", pattern)


def _are_there(route: Route, own: Sequence[int], wanted: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the twins stand first, in order, and are what is wanted; a name that the API dropped does not count."""
    if list(own) != list(range(len(wanted))):
        return False
    return all(_is_same(route.rules[at].document, twin) for at, twin in enumerate(wanted))


def _is_same(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return found in (wanted, _without_name(wanted))


def _without_name(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {member: value for member, value in rule.items() if member != "name"}


def _names_of(route: Route, own: Sequence[int]) -> Iterator[Operation]:
    """Expect each rule that goes to be the one that was read."""
    for at in own:
        if route.rules[at].name:
            yield expect(f"/spec/rules/{at}/name", route.rules[at].name)
        yield expect(f"/spec/rules/{at}/backendRefs", route.rules[at].document.get("backendRefs"))


def _told(mark: RequestMark) -> str:
    """Return a mark as the annotation tells it."""
    return json.dumps({str(mark.carried_in): mark.name, "value": mark.value})


def _annotate(route: Route, told: str | None) -> Iterator[Operation]:
    path = f"/metadata/annotations/{token(ANNOTATION)}"
    if told is not None:
        yield put(path, told) if route.annotations else put("/metadata/annotations", {ANNOTATION: told})
    elif route.annotations.keys() == {ANNOTATION}:
        yield take_away("/metadata/annotations")
    elif ANNOTATION in route.annotations:
        yield take_away(path)
