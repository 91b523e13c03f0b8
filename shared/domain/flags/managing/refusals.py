"""Why a change of a flag or of a segment is refused, beside the rules that any command can break."""

from shared.domain.errors import RejectedError, UnknownError


class UnknownFlagError(UnknownError):
    """There is no flag or segment of this key, or it is archived (HTTP 404)."""


class RevisionError(RejectedError):
    """What stands there is not what the caller read: read it again and decide again (HTTP 412)."""


class RevisionUnsaidError(RejectedError):
    """Something stands there already, and the caller did not say what they read (HTTP 428)."""
