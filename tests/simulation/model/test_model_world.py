"""The model's store is what the embedded store is: the same calls come to the same."""

import random
from datetime import timedelta

import pytest

from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.open_markers import SqliteOpenMarkers
from shared.adapters.sqlite.rollout_store import SqliteRolloutStore
from shared.domain.errors import VersionConflictError
from shared.ports.rollout_store import Change, HistoryEntry, InboxEntry, OutboxEntry, Record
from tests.simulation.model.site import Site
from tests.simulation.model.wiring import NOON
from tests.simulation.model.world import SHOP, Ask, Raised, World, carry_out

CALLS = 120


def _change(dice: random.Random, loaded, sequence: int) -> Change:
    """Make a change that fits what was loaded, mostly: entries and numbers may be taken by now."""
    number = sequence + dice.choice([1, 1, 1, 0])
    opened = [OutboxEntry(f"{dice.randrange(8):010d}", "{}")] if dice.random() < 0.6 else []
    closed = [row.id for row in loaded.outbox if dice.random() < 0.4] or (["none"] if dice.random() < 0.1 else [])
    return Change(
        key=SHOP,
        etag=loaded.etag,
        document=f"document {dice.randrange(1000)}",
        history=(HistoryEntry(number, "{}"),) if number and dice.random() < 0.8 else (),
        opened=tuple(opened),
        closed=tuple(closed),
        consumed=tuple(entry for entry in loaded.inbox if dice.random() < 0.5),
        records=(Record(f"r{dice.randrange(3)}", "{}"),) if dice.random() < 0.2 else (),
    )


def _tried(call):
    try:
        return call()
    except VersionConflictError:
        return "conflict"


@pytest.mark.parametrize("seed", range(12))
def test_the_same_calls_come_to_the_same_in_the_embedded_store(tmp_path, seed):
    dice, world = random.Random(seed), World(now=NOON, sites=(Site(since=NOON),))
    store = SqliteRolloutStore(Database(tmp_path / "store.db"), now=lambda: NOON)
    loads = [(store.load(SHOP), world.shop.load())]
    for number in range(CALLS):
        if dice.random() < 0.3:
            command = f"c{dice.randrange(30)}"
            entry = (
                InboxEntry(command, f"fact {number}", NOON + timedelta(seconds=number)) if dice.random() < 0.9 else None
            )
            theirs = store.accept(SHOP, command, f"answer {number}", entry)
            world, ours = carry_out(world, Ask("store", "accept", (SHOP, command, f"answer {number}", entry)))
            assert ours == theirs
        else:
            seen, ours_seen = dice.choice(loads[-3:])
            state = dice.getstate()
            change = _change(dice, seen, len(world.shop.history))
            dice.setstate(state)
            ours_change = _change(dice, ours_seen, len(world.shop.history))
            theirs = _tried(lambda change=change: store.commit(change))
            world, ours = carry_out(world, Ask("store", "commit", (ours_change,)))
            assert (theirs == "conflict") == isinstance(ours, Raised)
        theirs, ours = store.load(SHOP), world.shop.load()
        assert (theirs.document, theirs.inbox, theirs.outbox) == (ours.document, ours.inbox, ours.outbox)
        loads.append((theirs, ours))
    lines = store.history(SHOP, after=0, up_to=9_999, limit=9_999)
    assert lines == world.shop.history


@pytest.mark.parametrize("seed", range(12))
def test_the_same_calls_come_to_the_same_for_embedded_markers(tmp_path, seed):
    dice, world = random.Random(seed), World(now=NOON, sites=(Site(since=NOON),))
    markers = SqliteOpenMarkers(Database(tmp_path / "store.db"))
    tokens = {"t0": "none"}
    for number in range(CALLS):
        method, ours_token = dice.choice(["open", "put_off", "close"]), dice.choice([*tokens][-2:])
        due = NOON + timedelta(seconds=number)
        args = {"open": (SHOP, due), "put_off": (SHOP, ours_token, due), "close": (SHOP, ours_token)}[method]
        world, _ = carry_out(world, Ask("markers", method, args))
        getattr(markers, method)(*(tokens.get(each, each) if isinstance(each, str) else each for each in args))
        far = NOON + timedelta(days=1)
        theirs = markers.overdue(far, limit=10)
        _, ours = carry_out(world, Ask("markers", "overdue", (far,), (("limit", 10),)))
        assert [marker.due for marker in ours] == [marker.due for marker in theirs]
        tokens |= {our.token: their.token for our, their in zip(ours, theirs, strict=True)}
