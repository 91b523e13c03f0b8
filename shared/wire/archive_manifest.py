"""What an archive says of itself: how much of each kind is in it, and checksums, so that a torn one is known.

The checksum of a section, all entries of one kind, is the sum of the SHA-256 of its lines, modulo 2^256: stores keep
entries in different orders, and the same entries have the same checksum in each. The checksum of the whole is the
SHA-256 of the lines of the file as they stand.
"""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any, Final

from shared.domain.archive import Entry, Kind
from shared.wire.archive_entries import entry_line, schema_in
from shared.wire.fields import Fields
from shared.wire.findings import shown

FORMAT: Final = 1
"""Rises when an older release could not read an archive."""
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_MODULUS: Final = 1 << 256
_DIGITS_SHOWN: Final = 12
"""Of a checksum, for people: enough to see that two are not the same."""


@dataclass(frozen=True, slots=True)
class Section:
    """All entries of one kind."""

    count: int = 0
    sum: int = 0
    """Of the SHA-256 of their lines, modulo 2^256."""

    @property
    def checksum(self) -> str:
        """The sum in hexadecimal."""
        return f"{self.sum:064x}"


def _difference(one: Section, other: Section, here: str, there: str) -> str:
    if one.count != other.count:
        return f"{one.count} {here}, {other.count} {there}"
    sums = f"{one.checksum[:_DIGITS_SHOWN]}… {here}, {other.checksum[:_DIGITS_SHOWN]}… {there}"
    return f"{one.count} in both, but not the same ones: their checksum is {sums}"


@dataclass(slots=True)
class Tally:
    """Counts entries as they go by."""

    sections: dict[Kind, Section] = field(default_factory=dict)
    schema: int = 0
    """The highest schema that a stored document says."""

    def add(self, entry: Entry) -> bytes:
        """Count an entry; return its line."""
        line = entry_line(entry)
        before = self.sections.get(entry.kind, Section())
        digest = int.from_bytes(hashlib.sha256(line).digest(), "big")
        self.sections[entry.kind] = Section(before.count + 1, (before.sum + digest) % _MODULUS)
        self.schema = max(self.schema, schema_in(entry))
        return line

    def differences(self, other: "Tally", here: str = "here", there: str = "there") -> tuple[str, ...]:
        """Say of each kind that is not the same in both how many there are, or that they are others.

        `here` and `there` are words for the two tallies.
        """
        kinds = (kind for kind in Kind if self._of(kind) != other._of(kind))
        return tuple(f"{kind}: {_difference(self._of(kind), other._of(kind), here, there)}" for kind in kinds)

    def _of(self, kind: Kind) -> Section:
        return self.sections.get(kind, Section())


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The last line of an archive. `sha256` names the archive."""

    sha256: str
    """Of all lines before, each with its end."""
    tally: Tally

    @property
    def entries(self) -> int:
        """How many entries there are in all."""
        return sum(section.count for section in self.tally.sections.values())


def manifest_document(manifest: Manifest) -> dict[str, Any]:
    """Return the manifest as an object; `parse_manifest` turns it back."""
    sections = {
        kind.value: {"count": section.count, "checksum": section.checksum}
        for kind, section in sorted(manifest.tally.sections.items())
    }
    return {"format": FORMAT, "schema": manifest.tally.schema, "sections": sections, "sha256": manifest.sha256}


def parse_manifest(value: Any, path: str = "") -> Manifest:
    """Return the manifest in an object. Raises `InvalidError`, also for the format of a newer release."""
    fields = Fields(value, path)
    if fields.get("format") != FORMAT:
        fields.refuse("format", f"found {shown(fields.get('format'))}; this release reads format {FORMAT}")
        fields.done()
    fields.refuse_others(("format", "schema", "sections", "sha256"))
    schema, digest = fields.get("schema"), fields.get("sha256")
    if isinstance(schema, bool) or not isinstance(schema, int) or schema < 0:
        fields.refuse("schema", f"found {shown(schema)}; allowed is a number, 0 or more")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        fields.refuse("sha256", f"found {shown(digest)}; allowed are 64 hexadecimal digits")
    sections = _sections(fields)
    fields.done()
    return Manifest(sha256=digest, tally=Tally(sections, schema))


def _sections(fields: Fields) -> dict[Kind, Section]:
    found = fields.get("sections")
    if not isinstance(found, dict):
        fields.refuse("sections", f"found {shown(found)}; allowed is an object")
        return {}
    sections: dict[Kind, Section] = {}
    for name, value in found.items():
        match value:
            case {"count": int(count), "checksum": str(checksum)} if (
                name in set(Kind) and not isinstance(count, bool) and count > 0 and _DIGEST.fullmatch(checksum)
            ):
                sections[Kind(name)] = Section(count, int(checksum, 16))
            case _:
                fields.refuse(f"sections.{name[:40]}", "allowed is a kind of entries with its count and its checksum")
    return sections
