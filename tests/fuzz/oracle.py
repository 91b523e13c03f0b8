"""What must hold whatever the bytes are: a value or an own refusal, soon, in little memory, and the same once more."""

import json
import resource
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from shared.domain.errors import InvalidError, SlipwayError, TryLaterError
from shared.wire.problems import problem_of
from tests.fuzz.parser import Parser

SLOW_SECONDS = 1.0
"""Of processor time, for one input."""
HANG_SECONDS = 20
"""By the clock on the wall: long enough for a machine that has other things to do."""
MOST_GROWTH_KB = 200 * 1024
LONGEST_REFUSAL = 64 * 1024
LONGEST_WAIT_SECONDS = 366 * 86_400
"""What says "later" and means after a year is wrong, and times so far ahead soon have no date."""
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Finding:
    """What an input did that none should."""

    parser: str
    data: bytes
    kind: str
    """Inputs of one parser and one kind are taken for one mistake."""
    detail: str


class FindingError(AssertionError):
    """Raised where a finding must fail a test."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(f"{finding.parser}: {finding.kind}\n{finding.data[:2000]!r}\n{finding.detail}")
        self.finding = finding


class _HangError(BaseException):
    """No parser catches it."""


class _Broken(Exception):  # noqa: N818 - it never leaves this module
    """A promise that an input showed to be broken; the message is the kind."""


def check(parser: Parser, data: bytes) -> bool:
    """Return whether the input is taken. Raises `FindingError`."""
    found, taken = examine(parser, data)
    if found is not None:
        raise FindingError(found)
    return taken


def examine(parser: Parser, data: bytes) -> tuple[Finding | None, bool]:
    """Return what the input shows to be wrong, if anything, and whether it is taken."""
    memory, began = _peak_kb(), time.thread_time()
    try:
        with _no_hang():
            taken = _judge(parser, data)
    except _HangError:
        return Finding(parser.name, data, "hangs", f"longer than {HANG_SECONDS} s"), False
    except _Broken as error:
        return Finding(parser.name, data, str(error), ""), False
    except Exception as error:  # noqa: BLE001 - any other error is what is looked for
        return Finding(parser.name, data, _kind(error), traceback.format_exc(limit=-8)), False
    seconds, grown = time.thread_time() - began, _peak_kb() - memory
    if seconds > SLOW_SECONDS and _seconds_of(parser, data) > SLOW_SECONDS:
        return Finding(parser.name, data, "slow", f"{seconds:.1f} s for {len(data)} bytes"), taken
    if grown > MOST_GROWTH_KB:
        return Finding(parser.name, data, "memory", f"{grown // 1024} MiB for {len(data)} bytes"), taken
    return None, taken


def _judge(parser: Parser, data: bytes) -> bool:
    try:
        value = parser.read(data)
    except parser.refuses as error:
        _check_refusal(error)
        return False
    if parser.write is not None:
        written = parser.write(value)
        try:
            again = parser.read(written)
        except parser.refuses as error:
            raise _Broken(f"refuses what it wrote itself: {str(error)[:300]}") from error
        # NaN, which a stored number can be, equals nothing, but looks the same.
        if again != value and repr(again) != repr(value):
            raise _Broken("reads another value from what it wrote itself")
    return True


def _check_refusal(error: Exception) -> None:
    """A refusal can be told to who sent the input: in words, and not too many; and a wait that it asks for ends."""
    words = json.dumps(problem_of(error)[1] if isinstance(error, SlipwayError) else str(error))
    if max(len(words), len(str(error))) > LONGEST_REFUSAL:
        raise _Broken(f"refuses with more than {LONGEST_REFUSAL} characters")
    if isinstance(error, TryLaterError) and error.after_seconds is not None and not _may_be_waited(error.after_seconds):
        raise _Broken("refuses for longer than anybody waits")
    if not str(error).strip() or (isinstance(error, InvalidError) and not error.problems):
        raise _Broken(f"refuses without a word ({type(error).__name__})")


def _may_be_waited(seconds: float) -> bool:
    return 0 <= seconds <= LONGEST_WAIT_SECONDS


def _seconds_of(parser: Parser, data: bytes) -> float:
    """Return how long the input takes once more: the first time may have loaded a library."""
    began = time.thread_time()
    with suppress(Exception):  # judged already
        _judge(parser, data)
    return time.thread_time() - began


def _peak_kb() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak


def _kind(error: Exception) -> str:
    """Return the error with the innermost line of this project that it passed, by its function and not its number."""
    ours = [
        frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(str(ROOT / "shared"))
    ]
    where = f" in {Path(ours[-1].filename).relative_to(ROOT).as_posix()}:{ours[-1].name}" if ours else ""
    return f"{type(error).__name__}{where}"


@contextmanager
def _no_hang() -> Iterator[None]:
    def end(_number: int, _frame: FrameType | None) -> None:
        raise _HangError

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, HANG_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
