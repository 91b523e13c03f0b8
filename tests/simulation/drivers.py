"""Who decides over a release: ours, or a peer by name."""

from datetime import timedelta

from tests.simulation.loop import Driver
from tests.simulation.peers import PEERS
from tests.simulation.ramps import RAMPS
from tests.simulation.slipway import Slipway


def make_driver(name: str, ramp: str, length: timedelta) -> Driver:
    """Return a new driver for one release."""
    if name == "slipway":
        return Slipway(RAMPS[ramp], length=length)
    return PEERS[name](RAMPS[ramp], length)
