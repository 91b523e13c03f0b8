"""How long one call may take, in all, before the caller is told to try later."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Time-outs and retries of one call; seconds throughout.

    The longest that a call can take is `total` plus one attempt, 20 s as it stands: no handler call may last
    over 30 s.
    """

    connect: float = 2.0
    """How long an attempt waits for a connection."""
    read: float = 8.0
    """How long an attempt waits for more of the answer."""
    attempts: int = 3
    """How often the same request is sent at most."""
    pause: float = 0.2
    """How long the first pause between two attempts is; each further one is twice as long."""
    longest_pause: float = 2.0
    """A service that asks for more than this (`Retry-After`) is left alone at once."""
    total: float = 10.0
    """No attempt begins later than this after the first."""

    def pause_after(self, attempt: int, spent: float, asked: float | None) -> float | None:
        """Return how long to wait after this attempt (from 1) failed, or None when it was the last.

        `spent` is the time since the first attempt began, `asked` the pause that the service asked for.
        """
        pause = self.pause * 2 ** (attempt - 1) if asked is None else asked
        if attempt >= self.attempts or pause > self.longest_pause or spent + pause > self.total:
            return None
        return pause
