"""A claim as a document: what was written is read again, and what nobody here wrote is refused."""

from datetime import UTC, datetime

import pytest

from shared.domain.errors import NewerReleaseError, RejectedError
from shared.domain.names import ApplicationName
from shared.wire.claims import Claim, read_claim, write_claim

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize("owner", [ApplicationName("shop"), None])
def test_what_was_written_is_read_again(owner):
    claim = Claim(resource="/sites/shop", owner=owner, since=NOON)
    assert read_claim(write_claim(claim)) == claim


@pytest.mark.parametrize(
    "document", ["", "[]", "{}", '{"type": "claims/2"}', '{"type": 2}', '{"type": "claim/1", "owner": null}']
)
def test_what_this_release_does_not_write_is_refused_and_stops_nothing_else(document):
    with pytest.raises(RejectedError, match="a stored claim is"):
        read_claim(document)


def test_a_claim_of_a_newer_release_is_left_to_one_that_knows_it():
    with pytest.raises(NewerReleaseError, match="a claim of schema 2 was written by a newer release"):
        read_claim('{"type": "claim/2"}')
