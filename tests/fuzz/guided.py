"""Coverage-guided fuzzing of one parser with atheris: `python -m tests.fuzz.guided PARSER --seconds N`.

A process of its own, for libFuzzer ends the process that it ran in. What it reports to `make fuzz` is in a file.
"""

import argparse
import base64
import contextlib
import faulthandler
import json
import logging
import sys
from pathlib import Path
from random import Random

ROOMS = ["shared.wire", "shared.adapters", "shared.calls", "shared.settings", "shared.domain.flags", "cli", "local"]
"""Whose edges guide."""
GRACE_SECONDS = 300
"""How long a process may take beyond its time: its modules are instrumented before it begins."""


def main() -> None:
    """Fuzz until the time is over; the corpus grows in its folder, findings stand one a line in the file of reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parser")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, required=True)
    asked = parser.parse_args()
    # A process that does not end by itself says where it is, and ends.
    faulthandler.dump_traceback_later(asked.seconds + GRACE_SECONDS, exit=True)
    import atheris

    logging.getLogger("azure").setLevel(logging.CRITICAL)  # the SDKs tell of each answer that they cannot read
    with atheris.instrument_imports(include=ROOMS):
        from tests.fuzz.inputs import source_of
        from tests.fuzz.oracle import examine
        from tests.fuzz.parsers import BY_NAME

        target = BY_NAME[asked.parser]
        # What parsers load when they are called first is instrumented too.
        for seed in source_of(target).seeds:
            examine(target, seed.text)

    reports = asked.folder / "reports.jsonl"
    seen: dict[str, int] = {}

    def one_input(data: bytes) -> None:
        finding, _ = examine(target, data)
        if finding is not None and len(finding.data) < seen.get(finding.kind, 1 << 30):
            seen[finding.kind] = len(finding.data)
            told = {"kind": finding.kind, "data": base64.b64encode(finding.data).decode(), "detail": finding.detail}
            with reports.open("a") as file:
                file.write(json.dumps(told) + "\n")

    def changed(data: bytes, most: int, number: int) -> bytes:
        """Half of the time the document is changed as one, which bytes that flip seldom do."""
        random = Random(number)
        if random.random() < 0.5:
            with contextlib.suppress(RecursionError):  # nested deeper than anybody edits
                return source_of(target).damaged(random, data)[:most]
        return bytes(atheris.Mutate(data, most))

    corpus, words = asked.folder / "corpus", asked.folder / "words.dict"
    atheris.Setup(
        [
            sys.argv[0],
            f"-max_total_time={asked.seconds}",
            f"-seed={asked.seed}",
            "-timeout=0",  # its alarm is ours: a hang is a finding like any other
            "-max_len=32768",
            "-rss_limit_mb=2048",
            "-print_final_stats=1",
            f"-artifact_prefix={asked.folder}/",
            *([f"-dict={words}"] if words.read_bytes() else []),
            str(corpus),
        ],
        one_input,
        custom_mutator=changed,
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
