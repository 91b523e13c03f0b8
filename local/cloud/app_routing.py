"""Which revision serves a request to an app, as Container Apps' ingress decides it.

Each request without a cookie is dealt by weight. With session affinity on, the client is given a cookie for its
browser's session and stays with the revision that it names while that is active, also at weight 0.
"""

import hashlib
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from random import Random

from local.cloud.app_state import ContainerApp

AFFINITY = "acaAffinity"


@dataclass(frozen=True, slots=True)
class AppRoute:
    """The revision that is to answer, None when there is none; `pin` is the cookie value to hand out, or None."""

    revision: str | None
    pin: str | None = None


def choose_revision(app: ContainerApp, cookie: str, random: Random) -> AppRoute:
    """Route one request to the app's own host, given its Cookie header (may be empty)."""
    sticky = app.in_force.sticky
    if sticky and AFFINITY in cookie and (pinned := _pinned(app, cookie)) is not None:
        return AppRoute(pinned)
    drawn = random.random() * 100
    for name, weight in app.weights().items():
        drawn -= weight
        if drawn < 0:
            return AppRoute(name or None, pin=affinity_of(name) if sticky and name else None)
    return AppRoute(None)


def affinity_of(revision: str) -> str:
    """Return the cookie value that stands for a revision, and does not tell its name."""
    return hashlib.sha256(revision.encode()).hexdigest()[:16]


def _pinned(app: ContainerApp, header: str) -> str | None:
    try:
        cookies = SimpleCookie(header)
    except CookieError:
        return None
    value = cookies[AFFINITY].value if AFFINITY in cookies else ""
    return next((each.name for each in app.revisions if each.serves and affinity_of(each.name) == value), None)
