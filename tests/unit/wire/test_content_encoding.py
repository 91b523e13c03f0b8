"""Compressed bodies: read as far as they may expand, and no further."""

import gzip

import pytest

from shared.domain.errors import InvalidError
from shared.wire.content_encoding import TooLongError, decoded

GZIP = {"Content-Encoding": "gzip"}


def test_a_compressed_body_is_read_as_it_was():
    assert decoded(GZIP, gzip.compress(b'{"a": 1}'), at_most=100) == b'{"a": 1}'
    assert decoded({"content-encoding": "GZIP"}, gzip.compress(b""), at_most=100) == b""


@pytest.mark.parametrize("headers", [{}, {"content-encoding": "identity"}, GZIP])
def test_a_plain_body_stays_as_it_is_also_where_a_server_decoded_it_already(headers):
    assert decoded(headers, b'{"a": 1}', at_most=100) == b'{"a": 1}'


def test_a_body_may_expand_to_the_limit_and_not_a_byte_further():
    assert decoded(GZIP, gzip.compress(b"x" * 100), at_most=100) == b"x" * 100
    with pytest.raises(TooLongError):
        decoded(GZIP, gzip.compress(b"x" * 101), at_most=100)
    with pytest.raises(TooLongError):
        decoded({}, b"x" * 101, at_most=100)


def test_a_bomb_is_not_unpacked():
    bomb = gzip.compress(b"\0" * 50_000_000)

    with pytest.raises(TooLongError):
        decoded(GZIP, bomb, at_most=1000)


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(b"x" * 50, mtime=0)[:-9],
        b"\x1f\x8b",
        b"\x1f\x8b\x08\x00garbage that is none",
        gzip.compress(b"", mtime=0)[:5],
    ],
)
def test_a_damaged_body_is_refused(body):
    with pytest.raises(InvalidError):
        decoded(GZIP, body, at_most=100)


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "zstd"])
def test_another_encoding_is_refused_by_name(encoding):
    with pytest.raises(InvalidError, match="allowed is gzip"):
        decoded({"Content-Encoding": encoding}, b"{}", at_most=100)
