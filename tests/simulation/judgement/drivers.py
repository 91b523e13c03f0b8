"""Who decides over a release: ours, or a peer by name."""

from datetime import timedelta

from tests.simulation.judgement.cells import Cell
from tests.simulation.judgement.loop import Driver
from tests.simulation.judgement.peers import PEERS
from tests.simulation.judgement.ramps import RAMPS
from tests.simulation.judgement.slipway import Slipway


def make_driver(cell: Cell) -> Driver:
    """Return a new driver for one release."""
    ramp, length = RAMPS[cell.ramp], timedelta(seconds=cell.window_seconds)
    if cell.driver == "slipway":
        return Slipway(ramp, length=length, smallest=cell.smallest or None)
    return PEERS[cell.driver](ramp, length)
