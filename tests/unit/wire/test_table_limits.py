"""The limits of Table Storage, at their very edges."""

import pytest

from shared.domain.errors import RejectedError
from shared.wire.table_limits import BYTES_AN_ENTITY, TableRow, check_row, check_transaction


def row(key: str = "k", **properties: str) -> TableRow:
    return TableRow("p", key, properties)


def test_100_rows_pass_and_101_do_not():
    check_transaction([row(str(number)) for number in range(100)])
    with pytest.raises(RejectedError, match=r"101 rows .* takes 100 rows"):
        check_transaction([row(str(number)) for number in range(101)])


def test_a_row_appears_only_once_in_a_transaction():
    check_transaction([row("a"), TableRow("q", "a")])
    with pytest.raises(RejectedError, match="'a' appears twice"):
        check_transaction([row("a"), row("b"), row("a")])


@pytest.mark.parametrize(("character", "count"), [("x", 32_768), ("ü", 32_768), ("🚀", 16_384)])
def test_a_string_of_64_kib_in_utf16_passes_and_one_more_does_not(character, count):
    check_row(row(text=character * count))
    with pytest.raises(RejectedError, match=r"property text .* 64 KiB"):
        check_row(row(text=character * (count + 1)))


def test_252_properties_pass_and_253_do_not():
    check_row(row(**{f"p{number}": "" for number in range(252)}))
    with pytest.raises(RejectedError, match="252 properties"):
        check_row(row(**{f"p{number}": "" for number in range(253)}))


@pytest.mark.parametrize("field", ["partition", "key"])
def test_a_key_of_1_kib_in_utf16_passes_and_one_more_does_not(field):
    keys = {"partition": "p", "key": "k"}
    check_row(TableRow(**keys | {field: "k" * 512}))
    with pytest.raises(RejectedError, match="1 KiB"):
        check_row(TableRow(**keys | {field: "k" * 513}))


def test_an_entity_of_1_mib_passes_and_one_character_more_does_not():
    """Sizes by the service's formula: 4 + 34 for Timestamp, 2 for each key here, 12 + 2 * 2 + text a property."""
    full = {f"d{number}": "x" * 32_000 for number in range(10)}
    free = BYTES_AN_ENTITY - (4 + 34 + 2 + 2) - 10 * (8 + 4 + 2 * 2 + 64_000)
    rest = {f"e{number}": "x" * 32_000 for number in range(6)}
    free -= 6 * (8 + 4 + 2 * 2 + 64_000) + (8 + 4 + 2 * 1)
    check_row(row(**full, **rest, z="x" * (free // 2)))
    with pytest.raises(RejectedError, match="1 MiB"):
        check_row(row(**full, **rest, z="x" * (free // 2 + 1)))


def test_a_transaction_is_weighed_as_it_goes_over_the_wire_where_json_escapes():
    quotes = [row(str(number), text='"' * 32_000) for number in range(70)]
    check_transaction(quotes[:60])
    with pytest.raises(RejectedError, match="4 MiB"):
        check_transaction(quotes)
