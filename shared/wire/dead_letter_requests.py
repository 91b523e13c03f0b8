"""What people ask of the dead-letter list."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.domain.dead_letters.decide import Discard, Redrive
from shared.domain.dead_letters.letter import LetterState
from shared.domain.errors import InvalidError, Problem
from shared.domain.names import application_key
from shared.wire.addresses import application_in
from shared.wire.dead_letter_views import STATES
from shared.wire.fields import Fields
from shared.wire.findings import closest, shown
from shared.wire.json_source import read_json
from shared.wire.overrides import reason_in

LETTER_ID: Final = re.compile(r"[!-~]{1,200}")
LONGEST_WORDS: Final = 200
PARAMETERS: Final = ("after", "application", "reason", "state")

ACTIONS: Final[Mapping[str, type[Redrive] | type[Discard]]] = {"redrive": Redrive, "discard": Discard}


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterQuery:
    """Which letters are asked for."""

    after: str | None = None
    about: str = ""
    """The key of an aggregate; empty: whatever they are about."""
    words: str = ""
    """What the reason must say, in any case; empty: anything."""
    state: str = LetterState.OPEN.value


def parse_letter_query(parameters: Mapping[str, str]) -> LetterQuery:
    """Return which letters a list is asked for. Raises `InvalidError` naming each wrong parameter."""
    problems = []
    after, words = parameters.get("after") or "", parameters.get("reason") or ""
    state = parameters.get("state") or LetterState.OPEN.value
    named = parameters.get("application") or ""
    application = application_in(named)
    if after and not LETTER_ID.fullmatch(after):
        problems.append(Problem("after", "allowed is the `next` of an earlier page, as it was given"))
    if len(words) > LONGEST_WORDS:
        problems.append(Problem("reason", f"has {len(words)} characters; allowed are {LONGEST_WORDS}"))
    if state not in STATES:
        problems.append(
            Problem("state", f"found {shown(state)}; allowed is {' or '.join(STATES)}{closest(state, STATES)}")
        )
    if named and application is None:
        problems.append(Problem("application", f"found {shown(named)}; allowed is the name of an application"))
    if problems:
        raise InvalidError(*problems)
    about = application_key(application) if application else ""
    return LetterQuery(after=after or None, about=about, words=words, state=state)


def parse_letter_action(text: str) -> type[Redrive] | type[Discard]:
    """Return what an address asks to do with a letter. Raises `InvalidError` for anything else."""
    action = ACTIONS.get(text.lower())  # as a route's own words, which hosts compare without case
    if action is None:
        allowed = " or ".join(ACTIONS)
        raise InvalidError(Problem("action", f"found {shown(text)}; allowed is {allowed}{closest(text, ACTIONS)}"))
    return action


def parse_letter_reason(body: bytes) -> str:
    """Return why in `{"reason"}`: it stands in the letter's history. Raises `InvalidError` naming what is wrong."""
    fields = Fields(read_json(body))
    fields.refuse_others(("reason",))
    reason = reason_in(fields)
    if not reason.strip() and fields.get("reason") in (None, "", reason):
        fields.refuse("reason", "is needed: say why, for the letter's history")
    fields.done()
    return reason.strip()
