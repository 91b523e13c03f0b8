"""A claim as a document: which application divides the traffic of a resource."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from shared.domain.errors import NewerReleaseError, RejectedError
from shared.domain.names import ApplicationName

_TYPE: Final = "claim/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one resource's row says."""

    resource: str
    owner: ApplicationName | None
    """None: it was given back."""
    since: datetime
    """When it was claimed, or given back."""


def write_claim(claim: Claim) -> str:
    """Return the claim as a document; `read_claim` turns it back."""
    return json.dumps(
        {"type": _TYPE, "resource": claim.resource, "owner": claim.owner, "since": claim.since.isoformat()}
    )


def read_claim(document: str) -> Claim:
    """Return what `write_claim` was given.

    Raises `RejectedError` for a document that is broken or of another type, `NewerReleaseError` for a newer claim.
    """
    try:
        read = json.loads(document)
        _check_type(read["type"])
        owner = read["owner"]
        return Claim(
            resource=read["resource"],
            owner=None if owner is None else ApplicationName(owner),
            since=datetime.fromisoformat(read["since"]),
        )
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise RejectedError(f"a stored claim is not what this release writes: {error!r:.300}") from error


def _check_type(tag: Any) -> None:
    if tag == _TYPE:
        return
    name, _, number = tag.partition("/")
    if name == "claim" and number.isascii() and number.isdigit() and int(number) > 1:
        raise NewerReleaseError.of("a claim", int(number), 1)
    raise RejectedError(f"a stored claim is of another release: {tag!r:.40}")
