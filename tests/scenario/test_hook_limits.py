"""The largest spec with hooks: whatever ends together is written in transactions that the store takes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.rollout.hooks import HookState, HookStatus
from shared.domain.rollout.spec import Place
from shared.wire.table_limits import ROWS_A_TRANSACTION
from tests.scenario.world import SITE, SPEC, World

ONE = f"  - {{name: web, kind: app-service-slot, resource: {SITE}, slot: candidate}}"
TEN = "\n".join(
    f"  - {{name: web{n}, kind: app-service-slot, resource: {SITE}{n}, slot: candidate}}" for n in range(10)
)
TOLD = "notifications:\n" + "\n".join(f"  - {{name: h{n}, url: 'https://example.org/{n}'}}" for n in range(10))
MINUTE = timedelta(minutes=1)


class Counted:
    """A store that counts what is written at once."""

    def __init__(self, store):
        self._store = store
        self.rows = 0

    def commit(self, change):
        parts = (change.opened, change.closed, change.history, change.consumed, change.records)
        self.rows = max(self.rows, 1 + sum(map(len, parts)))
        return self._store.commit(change)

    def __getattr__(self, name):
        return getattr(self._store, name)


def world_with(folder, stage, count_of_hooks, targets=ONE):
    """A world with hooks at a stage, and ten webhooks that want to hear of everything."""
    hook = "  - {{name: c{0}, at: {1}, webhook: {{url: 'https://a.example/{0}'}}}}"
    hooks = "\n".join(hook.format(n, stage) for n in range(count_of_hooks))
    spec = f"{SPEC.replace(ONE, targets)}{TOLD}\nhooks:\n{hooks}\n"
    counted = []

    def count(keeping):
        counted.append(Counted(keeping.store))
        return replace(keeping, store=counted[-1])

    world = World(folder, spec, change=count, deploy_first=False)
    world.counted = counted
    world.hooks.answer_at_once(HookStatus(HookState.RUNNING))
    for target in world.spec.targets:
        world.site.deploy(target, Place.PRODUCTION, "1")
        world.site.deploy(target, Place.CANDIDATE, "2")
    return world


def ends(world, rollout):
    return [event["status"]["state"] for event in world.events(rollout) if event["type"] == "HookEnded"]


def was_written(world):
    assert world.letters() == []
    assert 0 < max(store.rows for store in world.counted) <= ROWS_A_TRANSACTION


def test_twenty_hooks_on_rollback_are_called_when_ten_targets_are_back(tmp_path):
    world = world_with(tmp_path, "on-rollback", 20, TEN)
    rollout = world.announce("2")
    world.run_until(lambda: world.rollout(rollout)["doing"] == "baking")
    world.override("rollback")

    assert world.run_to_end(rollout) == "rolled-back"
    world.settle()
    assert len(world.hooks.called) == 20
    was_written(world)


@pytest.mark.parametrize("how", ["too late", "looked at"])
def test_hooks_that_end_together_are_written_one_by_one(tmp_path, how):
    world = world_with(tmp_path, "after-promotion", 10)
    rollout = world.announce("2")
    world.run_to_end(rollout)
    world.settle()
    if how == "looked at":
        for call in world.hooks.called:
            world.hooks.finish(call.call_id, HookStatus(HookState.FAILED, "no"))
    world.run_for(11 * MINUTE)

    assert ends(world, rollout) == ["failed"] * 10
    assert world.app.views.application("shop")["duties"] == []
    was_written(world)
