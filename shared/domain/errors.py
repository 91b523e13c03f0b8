"""The errors of Slipway, named by what the caller should do.

SlipwayError
├── InvalidError           the input is wrong: mend it (HTTP 400, names each field)
├── RejectedError          the command breaks a rule: retrying cannot help (HTTP 409, or the dead-letter list)
│   └── UnknownError       what the command names does not exist (HTTP 404)
├── TryLaterError          a dependency is unwell: nothing was decided, try the same again later (HTTP 503)
│   ├── UnansweredError    no answer came: whether it was done is not known, and it may still be done
│   └── NewerReleaseError  a newer release of Slipway stored or sent it: leave it alone until one is back
└── VersionConflictError   somebody else committed first: load again and decide again
"""

from dataclasses import dataclass


class SlipwayError(Exception):
    """Anything that Slipway says went wrong."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input: where it is, what stands there, what is allowed."""

    path: str
    """A JSON-pointer-like path such as `targets[0].resource`; empty for the whole document."""
    message: str
    """What is wrong and what is allowed, in one sentence."""
    line: int | None = None
    """The line in the source text, counted from 1, where the input was YAML."""

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        line = f" (line {self.line})" if self.line is not None else ""
        return f"{where}{self.message}{line}"


class InvalidError(SlipwayError):
    """The input is wrong; each problem names the field and the fix."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems


class RejectedError(SlipwayError):
    """The command breaks a rule. Retrying cannot help: answer 409 or put it on the dead-letter list."""


class UnknownError(RejectedError):
    """What the command names does not exist, at least not here: answer 404."""


class TryLaterError(SlipwayError):
    """A dependency is unwell. Nothing was decided: schedule the same again, later."""

    def __init__(self, message: str, *, after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.after_seconds = after_seconds
        """How long the dependency asked to be left alone (a `Retry-After`), where it did."""


class UnansweredError(TryLaterError):
    """No answer came. What was asked may have been done, and may still be done after this."""


class NewerReleaseError(TryLaterError):
    """A newer release of Slipway stored or sent this, and this one cannot read it: it is left as it is.

    Nothing is wrong with it. During an update another worker reads it in moments; after a way back to an older release
    it waits until the newer one returns.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message, after_seconds=LEAVES_ALONE_SECONDS)

    @classmethod
    def of(cls, what: str, found: int, reads: int) -> "NewerReleaseError":
        """Return the error for something of schema `found`, where this release reads up to `reads`."""
        return cls(f"{what} of schema {found} was written by a newer release; this one reads up to {reads}")


LEAVES_ALONE_SECONDS = 60.0
"""How long what a newer release left is not looked at again."""


class VersionConflictError(SlipwayError):
    """The aggregate changed since it was loaded. Load it again and decide again."""
