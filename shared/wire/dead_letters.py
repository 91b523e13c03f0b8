"""The stored form of a dead letter: JSON with the number of its schema, like every stored document.

Letters of before there was a schema are lists of source, reason, body and time, and are still read.
"""

import json
from base64 import b64decode, b64encode
from datetime import datetime
from functools import cache
from typing import Any

from shared.domain.dead_letters.letter import DeadLetter, Happening, Refused
from shared.domain.errors import RejectedError
from shared.wire.stored_form import plain_converter, read_stored, refusing_broken, write_stored
from shared.wire.table_text import pack

SHORT = 10_000
"""Bytes of a body that are text whatever they hold: so few take no room, however they are escaped."""


def write_letter(letter: DeadLetter) -> str:
    """Return the stored form of a letter."""
    return write_stored(letter, DeadLetter, _converter())


def read_letter(letter_id: str, text: str) -> DeadLetter:
    """Return the letter. Raises `RejectedError` for a broken document, `NewerReleaseError` for a newer one."""
    if text.startswith("["):
        return _before_there_was_a_schema(letter_id, text)
    letter: DeadLetter = read_stored(text, DeadLetter, _converter())
    if not any(isinstance(each, Refused) for each in letter.happenings):
        raise RejectedError("a stored letter is not what this release writes: it says of no refusal")
    return letter


def _before_there_was_a_schema(letter_id: str, text: str) -> DeadLetter:
    with refusing_broken("a stored letter"):
        match json.loads(text):
            case [str(source), str(reason), str(body), str(at)]:
                refused = Refused(reason=reason, at=datetime.fromisoformat(at))
                return DeadLetter(
                    id=letter_id, source=source, body=body.encode(errors="replace"), happenings=(refused,)
                )
    raise RejectedError("a stored letter is not what this release writes: it is no list of four texts")


@cache
def _converter() -> Any:
    from cattrs.strategies import configure_tagged_union

    converter = plain_converter()
    converter.register_unstructure_hook(bytes, _text_or_base64)
    converter.register_structure_hook(bytes, lambda stored, _: _bytes_of(stored))
    configure_tagged_union(Happening, converter, tag_name="type")
    return converter


def _text_or_base64(body: bytes) -> dict[str, str]:
    """Text is kept as text, so that who looks at the store can read it, where it takes no more room than base64."""
    encoded = b64encode(body).decode()
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return {"base64": encoded}
    is_plain = pack(text) == text and len(json.dumps(text)) <= len(encoded)
    return {"text": text} if is_plain or len(body) < SHORT else {"base64": encoded}


def _bytes_of(stored: dict[str, str]) -> bytes:
    return stored["text"].encode() if "text" in stored else b64decode(stored["base64"], validate=True)
