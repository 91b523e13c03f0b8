"""Asking a place which version it serves and whether it is well, over its own host name, as any user could."""

from collections.abc import Callable
from datetime import timedelta
from functools import reduce
from time import monotonic
from urllib.parse import urljoin, urlsplit

from shared.adapters.http_json.served_version import LARGEST_BODY, NoVersionError, served_version
from shared.calls.deadline import Deadline
from shared.calls.http_exchange import Answer, exchange
from shared.domain.errors import TryLaterError
from shared.domain.names import Version
from shared.domain.rollout.spec import Place, Target
from shared.ports.place_probe import Health

_SECONDS = 10.0
_MILLISECOND = timedelta(milliseconds=1)
_MOST_REDIRECTS = 3
_REDIRECTS = (301, 302, 303, 307, 308)
_PAST_THE_RULES = "x-ms-routing-name=self"
"""In the query and as a cookie: production itself answers, whatever the routing rules say of this user."""


class HttpPlaceProbe:
    """The `PlaceProbe` of everything that speaks HTTP."""

    def __init__(self, host_of: Callable[[Target, Place], str], *, scheme: str = "https") -> None:
        """`host_of` names a place's own host, with a port where it has one, within 5 seconds."""
        self._host_of = host_of
        self._scheme = scheme

    def read_version(self, target: Target, place: Place) -> Version:
        """Return the version that the place serves right now. Follows up to 3 redirects to the same host."""
        most_bytes = LARGEST_BODY if target.version.header is None else 0
        answer = self._ask(target, place, target.version.path, wanted=(), most_bytes=most_bytes)
        try:
            return served_version(answer, target.version)
        except NoVersionError as error:
            raise TryLaterError(f"{target.name}, {place}: {target.version.path} names no version: {error}") from error

    def read_health(self, target: Target, place: Place) -> Health:
        """Ask each of the place's health pages once; redirects as for the version. The first that is unwell decides."""
        deadline = Deadline(_SECONDS)
        looks = (self._look(target, place, path, deadline.left()) for path in target.health.paths)
        return reduce(lambda so_far, look: look if so_far.healthy else so_far, looks)

    def _look(self, target: Target, place: Place, path: str, seconds: float) -> Health:
        check, began = target.health, monotonic()
        answer = self._ask(target, place, path, wanted=check.statuses, most_bytes=0, seconds=seconds)
        took = timedelta(seconds=monotonic() - began)
        detail = f"GET {path} answered {answer.status}"
        if answer.status in check.statuses and check.within is not None and took > check.within:
            slow = f" after {took / _MILLISECOND:.0f} ms, allowed are {check.within / _MILLISECOND:g}"
            return Health(healthy=False, detail=detail + slow)
        return Health(answer.status in check.statuses, detail)

    def _ask(
        self,
        target: Target,
        place: Place,
        path: str,
        *,
        wanted: tuple[int, ...],
        most_bytes: int,
        seconds: float | None = None,
    ) -> Answer:
        deadline = Deadline(_SECONDS if seconds is None else seconds)
        home = f"{self._scheme}://{self._host_of(target, place)}"
        # Not joined as URLs are: a path such as //elsewhere must not name another host.
        url = f"{home}/{path.removeprefix('/')}"
        try:
            for _ in range(_MOST_REDIRECTS + 1):
                answer = _get(url, place, deadline, most_bytes)
                if answer.status not in _REDIRECTS or answer.status in wanted:
                    return answer
                url = _follow(url, home, answer)
        except TryLaterError as error:
            raise TryLaterError(f"{target.name}, {place}: {path}: {error}") from error
        raise TryLaterError(f"{target.name}, {place}: {path} redirects more than {_MOST_REDIRECTS} times")


def _get(url: str, place: Place, deadline: Deadline, most_bytes: int) -> Answer:
    headers = {"User-Agent": "Slipway", "Accept": "application/json, */*;q=0.5", "Cache-Control": "no-cache"}
    if place is Place.PRODUCTION:
        headers["Cookie"] = _PAST_THE_RULES
        parts = urlsplit(url)
        query = "&".join(part for part in (parts.query, _PAST_THE_RULES) if part)
        url = parts._replace(query=query, fragment="").geturl()
    return exchange("GET", url, deadline, headers=headers, most_bytes=most_bytes)


def _follow(url: str, home: str, answer: Answer) -> str:
    location = answer.header("Location") or ""
    try:
        target = urljoin(url, location)
        is_home = bool(location) and _is_at(target, home)
    except ValueError:
        is_home = False
    if not is_home:
        raise TryLaterError(f"HTTP {answer.status} to another host, which is not followed")
    # Production is asked past the rules again, and one such query is enough.
    return target.replace(f"&{_PAST_THE_RULES}", "").replace(f"?{_PAST_THE_RULES}", "?")


def _is_at(url: str, home: str) -> bool:
    found, wanted = urlsplit(url), urlsplit(home)
    return (found.scheme, found.netloc.lower()) == (wanted.scheme, wanted.netloc.lower())
