"""Which slot serves a request to production, as App Service decides it.

A client that carries the routing cookie stays where it is pinned, also when its rule's weight is 0 by now, also
across a swap: rules and cookies belong to host names, not to versions. A client without one is dealt to a rule's
slot or to `self` by chance, and pinned there for an hour. A request may name its place in the query string.
While a site has no rules nobody is pinned: production serves, and no cookie is set.
"""

import re
from dataclasses import dataclass
from random import Random
from urllib.parse import unquote

from local.cloud.state import PRODUCTION, Site

COOKIE = "x-ms-routing-name"
SELF = "self"
PIN_SECONDS = 3600

_IN_COOKIE = re.compile(rf"(?:^|;)\s*{COOKIE}=([^;\s]*)")
_IN_QUERY = re.compile(rf"[?&]{COOKIE}=([^&#]*)")


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request goes; `pin` is the cookie value to hand out, or None."""

    slot: str
    pin: str | None = None
    forced: bool = False
    """The request named its place itself, so it is no evidence of how traffic divides."""


def choose_route(site: Site, target: str, cookie: str, random: Random) -> Route:
    """Route one request to production, given its request target and its Cookie header (may be empty).

    Draws from `random` once for each client that must be dealt, and not otherwise.
    """
    if COOKIE in target and (named := _IN_QUERY.search(target)) is not None:
        place = unquote(named[1])
        slot = _slot_named(site, place)
        return Route(slot or PRODUCTION, pin=place if slot else SELF, forced=True)
    if (pinned := _IN_COOKIE.search(cookie)) is not None and (slot := _slot_named(site, pinned[1])) is not None:
        return Route(slot)
    return _deal(site, random)


def _deal(site: Site, random: Random) -> Route:
    if not site.rules:
        return Route(PRODUCTION)
    drawn = random.random() * 100
    for rule in site.rules:
        drawn -= rule.percentage
        if drawn < 0 and (slot := site.slot_at(rule.host_name)) is not None:
            return Route(slot.name, pin=rule.name)
    return Route(PRODUCTION, pin=SELF)


def _slot_named(site: Site, place: str) -> str | None:
    """Return the slot that a cookie or query names: `self`, a rule, or a slot; None when there is no such place."""
    if place == SELF:
        return PRODUCTION
    for rule in site.rules:
        if rule.name == place and (behind := site.slot_at(rule.host_name)) is not None:
            return behind.name
    slot = site.slot(place)
    return slot.name if slot is not None else None
