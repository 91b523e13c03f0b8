"""What the local stack says when a part of it does not start."""

import subprocess
import sys

import pytest

from local.interruption import Interruption
from local.stack import StackError, ready_words


def test_a_part_that_ends_without_a_word_is_told_with_what_to_do(tmp_path):
    log = tmp_path / "host.log"
    log.touch()
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE, text=True) as process:
        process.wait()
        with pytest.raises(StackError) as refused:
            ready_words(process, "the Functions host", log, Interruption())

    assert str(refused.value) == (
        f"the Functions host did not start, and {log} is empty: see that it may be written, then start again"
    )
