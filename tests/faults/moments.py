"""One rollout of the shop, brought to a moment at which something is done to the host, and ended afterwards."""

import time
from itertools import count
from pathlib import Path

from tests.faults.outside import check_files, rows_left
from tests.faults.shop_run import ShopRun
from tests.sandbox import Got, wait_until

LOCK_SECONDS = 30.0
"""How long a session is locked."""
PATIENCE = 240.0
"""So many seconds are waited for what takes ten, on a machine that does much else."""
_numbers = count(1)


def released(run: ShopRun, *, until: str = "progressing") -> str:
    """Announce a version, and return its rollout once it is in this phase."""
    version = f"{next(_numbers)}.0"
    run.control.deploy(version)
    got = run.host.insist("POST", "/api/deployments", {"application": "shop", "version": version})
    rollout = str(got.json()["rollout"])
    await_phase(run, rollout, until)
    return rollout


def await_phase(run: ShopRun, rollout: str, phase: str, within: float = PATIENCE) -> None:
    """Return when the rollout is in the phase."""
    ends = time.monotonic() + within
    while (view := run.host.insist("GET", f"/api/rollouts/{rollout}").json())["phase"] != phase:
        assert time.monotonic() < ends, f"{view['phase']}, not {phase}: {view}\n{run.host.last_words()}"
        time.sleep(0.1)


def told(run: ShopRun, action: str) -> Got:
    """A person says something, once; the answer."""
    return run.host.call("POST", "/api/applications/shop/overrides", {"action": action, "reason": "a test"})


def aborts(run: ShopRun, rollout: str, data: Path, within: float = PATIENCE) -> None:
    """A person ends it, and what is left is sound. The host is ended then."""
    assert run.host.insist("POST", "/api/applications/shop/overrides", {"action": "abort"}).status == 202
    await_phase(run, rollout, "aborted", within=within)
    assert run.control.site()["rules"] == []
    is_sound(run, data)


def is_sound(run: ShopRun, data: Path, *, but: str = "none") -> None:
    """End the host once it has done all that was to be done, and look into its files.

    `but` names a kind of effect whose row may be left.
    """
    wait_until(lambda: all(but in row for row in rows_left(data, "inbox", "outbox")), within=PATIENCE)
    run.host.kill()
    wrong = [each for check in check_files(data, with_markers=False) for each in check.wrong]
    assert [each for each in wrong if but not in each] == []


def assert_told_to_come_again(answer: Got) -> None:
    """A problem document, that says when and nothing of our insides."""
    assert answer.status == 503, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["type"] == "urn:slipway:problem:try-later"
    assert ".db" not in answer.body.decode()
    assert "Traceback" not in answer.body.decode()


def assert_named(run: ShopRun, file: Path, advice: str) -> None:
    """The log names the file and what to do, without a stack trace."""
    log = run.host.log.read_text()
    assert any(str(file) in line and advice in line for line in log.splitlines()), log[-3000:]
    assert "Traceback" not in log, log[-6000:]
