"""Which rows of a table a snapshot of flags is: one partition for each environment.

f|{environment}
    h                          head: which chunks are in force, and in `turn` whose turn it is to change them
    c|{name}|{piece}           chunk, in pieces; the first has `written`
    w|{written}|{name}         the same once more in the order of time, to find the old ones without a scan

Times are microseconds since 1970.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from shared.domain.errors import NewerReleaseError, RejectedError
from shared.domain.flags.turns import Turn
from shared.domain.names import EnvironmentName
from shared.wire.stored_form import refusing_broken
from shared.wire.table_keys import escape_key, micros, moment, padded
from shared.wire.table_limits import TableRow, check_transaction
from shared.wire.table_text import join, pack, split, unpack

HEAD = "h"
TURN = "turn"
AGES = "w|"
WRITTEN = "written"
PIECE = 80_000
"""Characters a row: at the worst each takes 12 bytes on the wire, and the emulator counts those towards 1 MiB."""
PIECES_AT_MOST = 50
"""A chunk is written in one transaction, of 4 MiB at most."""
SPARE = PIECE
"""Characters of a chunk that people's changes leave free: for what rollouts and kill switches write, whom nobody asks
whether there is room."""


def partition_of(environment: EnvironmentName) -> str:
    """Return the partition key of an environment's snapshot."""
    return f"f|{escape_key(environment)}"


def head_row(environment: EnvironmentName, chunks: Sequence[tuple[str, str]], turn: Turn | None) -> TableRow:
    """Return the row of a head."""
    properties = split(write_chunks(chunks))
    return TableRow(
        partition_of(environment), HEAD, properties if turn is None else {**properties, TURN: write_turn(turn)}
    )


def write_turn(turn: Turn) -> str:
    """Return the turn as text."""
    return json.dumps([turn.key, turn.name, turn.version, micros(turn.at)], separators=(",", ":"))


def read_turn(text: str | None) -> Turn | None:
    """Return the turn that `write_turn` was given. What is none, a newer release's for instance, is nobody's turn."""
    if text is None:
        return None
    try:
        match json.loads(text):
            case [str(key), str(name), int(version), int(at)]:
                return Turn(key, name, version, moment(at))
    except (ValueError, OverflowError, RecursionError):
        pass
    return None


def write_chunks(chunks: Sequence[tuple[str, str]]) -> str:
    """Return the slots with the names of their chunks as a document."""
    return json.dumps(dict(chunks), separators=(",", ":"), sort_keys=True)


def read_chunks(document: str) -> tuple[tuple[str, str], ...]:
    """Return what `write_chunks` was given, in the order of the slots.

    Raises `NewerReleaseError` for a head that says a schema (no slot has that name), and `RejectedError` for one that
    is broken.
    """
    what = "the list of an environment's flags"
    with refusing_broken(what):
        chunks = json.loads(document)
        if "schema" in chunks:
            raise NewerReleaseError.of(what, int(chunks["schema"]), 1)
        if all(isinstance(name, str) for name in chunks.values()):
            return tuple(sorted(chunks.items()))
    raise RejectedError(f"{what} is not what this release writes: a name in it is no text")


def chunk_rows(environment: EnvironmentName, name: str, document: str, written: datetime) -> list[TableRow]:
    """Return the rows of a chunk. Raises `RejectedError` when it is too long for one transaction."""
    text = pack(document)
    pieces = [text[at : at + PIECE] for at in range(0, len(text) or 1, PIECE)]
    if len(pieces) > PIECES_AT_MOST:
        raise RejectedError(
            f"the flags that are kept together have {len(document):,} characters: "
            f"a chunk takes {PIECE * PIECES_AT_MOST:,}"
        )
    rows = [TableRow(partition_of(environment), chunk_key(name, at), split(each)) for at, each in enumerate(pieces)]
    stamped = {WRITTEN: time_key(written), **rows[0].properties}
    return [TableRow(rows[0].partition, rows[0].key, stamped), *rows[1:]]


def check_room(environment: EnvironmentName, name: str, document: str, written: datetime) -> None:
    """Raise `RejectedError` when a chunk would be longer than a person's change may make it."""
    most = PIECE * PIECES_AT_MOST - SPARE
    if len(pack(document)) > most:
        raise RejectedError(
            f"what is kept together with it would have {len(document):,} characters; allowed are {most:,}"
        )
    check_transaction(chunk_rows(environment, name, document + " " * SPARE, written))


def chunk_key(name: str, piece: int) -> str:
    """Return the row key of one piece of a chunk."""
    return f"{chunk_range(name)[0]}{piece:02d}"


def chunk_range(name: str) -> tuple[str, str]:
    """Return the half-open range of the row keys of a chunk."""
    return f"c|{escape_key(name)}|", f"c|{escape_key(name)}}}"


def chunk_text(pieces: Sequence[Mapping[str, str]]) -> str:
    """Return the text of a chunk from the properties of its pieces, in their order."""
    return unpack("".join(join(piece) for piece in pieces))


def age_row(environment: EnvironmentName, name: str, written: datetime) -> TableRow:
    """Return the row that dates a chunk; a row needs something in it to be none that is to be deleted."""
    key = f"{AGES}{time_key(written)}|{escape_key(name)}"
    return TableRow(partition_of(environment), key, split(name))


def time_key(at: datetime) -> str:
    """Return the time as text that sorts."""
    return padded(micros(at), "a time in microseconds since 1970")


def ages_before(at: datetime) -> tuple[str, str]:
    """Return the half-open range of the row keys of what was written before a time."""
    return AGES, f"{AGES}{time_key(at)}"


def written_of(age_key: str) -> str:
    """Return the time, as text, in the key of an `age_row`."""
    return age_key.split("|")[1]
