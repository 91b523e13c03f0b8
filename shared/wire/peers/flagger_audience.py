"""The users of a Flagger A/B test as an audience: those who bring one value of a header or cookie."""

import re
from typing import Final

from shared.wire.findings import Part
from shared.wire.peers.accounts import Accounts
from shared.wire.peers.readings import an_object, entries, given, members, text

_COOKIE: Final = re.compile(r"\^\(\.\*\?;\)\?\(?([A-Za-z0-9_-]{1,100})=([A-Za-z0-9_.-]{1,200})\)?\(;\.\*\)\?\$")
"""The pattern with which Flagger's own examples look for one value of one cookie."""
_EXACT_COOKIE: Final = re.compile(r"([A-Za-z0-9_-]{1,100})=([A-Za-z0-9_.-]{1,200})")


def read_audience(match: Part, accounts: Accounts) -> dict[str, str] | None:
    """Return the first condition that asks for one value of a header or cookie; None where no one does."""
    found: dict[str, str] | None = None
    for condition in entries(match):
        for name, comparison in members(given(an_object(condition), "headers")):
            if isinstance(an_object(comparison).value, dict) and found is None:
                found = _one_value(name, comparison)
                if found is not None:
                    accounts.becomes(comparison, "strategy.experiment.audience")
    if found is None and match.exists:
        accounts.no_equal(
            match,
            "only one exact value of a header or cookie can be an audience",
            "a blue-green release: nobody is sent to the candidate before all are",
        )
    return found


def _one_value(name: str, comparison: Part) -> dict[str, str] | None:
    exact, pattern = text(given(comparison, "exact")), text(given(comparison, "regex"))
    if name.lower() == "cookie":
        match = _COOKIE.fullmatch(pattern) or _EXACT_COOKIE.fullmatch(exact)
        return {"cookie": match[1], "value": match[2]} if match else None
    return {"header": name, "value": exact} if exact else None
