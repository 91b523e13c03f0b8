"""What a flag's owner wants to have told with its value: names, each with a text, a number, true or false."""

from typing import Final

from shared.domain.flags.model import Metadatum
from shared.wire.findings import Part, found
from shared.wire.flags.members import LONGEST_NAME, LONGEST_TEXT

MOST_METADATA: Final = 100


def read_metadata(part: Part) -> tuple[tuple[str, Metadatum], ...]:
    """Return the entries in their order; none where it is absent or wrong."""
    if not part.exists:
        return ()
    if not isinstance(part.value, dict):
        part.refuse(f"{found(part.path, part.value)}allowed is an object of texts, numbers, true or false")
        return ()
    if len(part.value) > MOST_METADATA:
        part.refuse(f"has {len(part.value)} entries; allowed are at most {MOST_METADATA}")
        return ()
    return tuple((name, _read_metadatum(part.child(name), name)) for name in part.value)


def _read_metadatum(part: Part, name: str) -> Metadatum:
    value = part.value
    if not is_one_line(name):
        part.refuse(f"the name of an entry has 1 to {LONGEST_NAME} characters in one line")
    if is_metadatum(value):
        return value  # type: ignore[no-any-return]
    allowed = f"a text of at most {LONGEST_TEXT} characters, a number, true or false"
    part.refuse(f"{found(part.path, value)}allowed is {allowed}")
    return ""


def is_metadatum(value: object) -> bool:
    """Whether it can be told: what is nested, or null, cannot."""
    return isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= LONGEST_TEXT)


def is_one_line(name: str) -> bool:
    """Whether a variant, or an entry of the metadata, may have this name."""
    return 0 < len(name) <= LONGEST_NAME and not any(each < " " or each == "\x7f" for each in name)
