"""The bodies of Flagger's webhooks.

Flagger sends `{"name", "namespace", "phase", "checksum", "metadata"}`, where `metadata` holds what the Canary says at
this webhook, all of it texts. It can send no header and says neither which version it brings nor at which weight it
stands: that, and the key, stand in the metadata. Fields beside the metadata may come with newer versions.
"""

import re
from typing import Final

from shared.domain.errors import InvalidError
from shared.domain.rollout.flagger import Kind, Question
from shared.domain.rollout.weight import from_percent
from shared.wire.fields import Fields
from shared.wire.findings import shown
from shared.wire.identities import identity
from shared.wire.json_source import read_json

OURS: Final = ("token", "version", "maxWeight", "wave", "cluster")
"""What a Canary may say at a webhook."""
THEIRS: Final = ("eventMessage", "eventType", "timestamp")
"""What Flagger itself adds to an event."""
LONGEST_NAME: Final = 253
LONGEST_MESSAGE: Final = 500
HIGHEST_WAVE: Final = 1000

_CONTROL: Final = re.compile("[\x00-\x1f\x7f]+")
_WHOLE: Final = re.compile(r"[1-9][0-9]{0,3}")


def kind_in(text: str) -> Kind | None:
    """Return the type of webhook that a part of an address names, or None when there is no such type."""
    return next((kind for kind in Kind if kind == text), None)


def token_in(body: bytes) -> str | None:
    """Return the key that a body brings, or None; whatever else is wrong with the body is told to who has a key."""
    try:
        document = read_json(body)
    except InvalidError:
        return None
    metadata = document.get("metadata") if isinstance(document, dict) else None
    token = metadata.get("token") if isinstance(metadata, dict) else None
    return token if isinstance(token, str) and token else None


def parse_question(kind: Kind, body: bytes) -> Question:
    """Return what is asked. Raises `InvalidError` naming each wrong field; the token is never repeated."""
    fields = Fields(read_json(body))
    name = fields.text("name", longest=LONGEST_NAME)
    namespace = fields.text("namespace", longest=LONGEST_NAME)
    phase, checksum = _perhaps(fields, "phase"), _perhaps(fields, "checksum")
    fields.done()
    said = Fields(fields.get("metadata") or {}, "metadata")
    said.refuse_others((*OURS, *THEIRS))
    version = said.version()
    cluster = _perhaps(said, "cluster")
    canary = f"{namespace}/{name}" + (f" in {cluster}" if cluster else "")
    question = Question(
        id=identity("flagger", cluster, namespace, name, version, checksum),
        kind=kind,
        version=version,
        canary=_CONTROL.sub(" ", canary),
        highest=from_percent(_whole(said, "maxWeight", default=100, at_most=100)),
        wave=_whole(said, "wave", default=1, at_most=HIGHEST_WAVE),
        failed=phase == "Failed",
        says=_message(said),
    )
    said.done()
    return question


def _perhaps(fields: Fields, name: str) -> str:
    """A Canary that was never looked at has an empty phase."""
    return "" if fields.get(name) == "" else fields.text(name, longest=LONGEST_NAME, required=False)


def _whole(said: Fields, name: str, *, default: int, at_most: int) -> int:
    """Return a whole number from 1 on, which stands in a text, as all metadata do."""
    value = said.get(name)
    if value is None:
        return default
    if isinstance(value, str) and _WHOLE.fullmatch(value) and int(value) <= at_most:
        return int(value)
    said.refuse(name, f'found {shown(value)}; allowed is a whole number from 1 to {at_most} as a text, such as "1"')
    return default


def _message(said: Fields) -> str:
    value = said.get("eventMessage")
    return _CONTROL.sub(" ", value).strip()[:LONGEST_MESSAGE] if isinstance(value, str) else ""
