"""Long text in pieces, and back."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.wire.table_text import PIECE, join, pack, split, unpack, utf16_length

ANY_TEXT = st.text(st.characters(codec=None), max_size=50)


@given(ANY_TEXT)
@example("\\")
@example("\\\\n")
@example("a\x00b\ud800")
def test_packed_text_is_well_formed_and_comes_back(text):
    packed = pack(text)
    packed.encode()
    assert "\x00" not in packed
    assert unpack(packed).encode("utf-16", "surrogatepass") == text.encode("utf-16", "surrogatepass")


def test_ordinary_text_is_stored_as_it_is():
    assert pack('{"ü": "🚀",\r\n\t"x": "\\u0000"}') == '{"ü": "🚀",\r\n\t"x": "\\u0000"}'


@given(ANY_TEXT)
def test_length_counts_utf16_code_units(text):
    assert utf16_length(text) == len(text.encode("utf-16-le", "surrogatepass")) // 2


@pytest.mark.parametrize("offset", range(-2, 3))
@pytest.mark.parametrize("character", ["x", "ü", "🚀"])
@pytest.mark.parametrize("lead", ["", "x", "🚀"])
def test_pieces_keep_to_their_length_and_split_no_surrogate_pair(offset, character, lead):
    text = lead + character * (2 * PIECE + offset)
    pieces = split(text)
    assert all(utf16_length(piece) <= PIECE for piece in pieces.values())
    assert all(piece.encode() for piece in pieces.values())
    assert join(pieces) == text
    assert len(pieces) <= 2 * utf16_length(text) // PIECE + 1


@given(st.text(st.sampled_from("xü🚀\ud800\\"), max_size=40))
def test_any_mixture_comes_back(pattern):
    text = pattern * 3000
    assert join(split(text)) == text


def test_empty_text_is_one_empty_piece_and_other_properties_do_not_matter():
    assert split("") == {"d0": ""}
    assert join({"nonce": "n", **split("text")}) == "text"
