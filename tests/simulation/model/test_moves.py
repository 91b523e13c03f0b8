"""What can happen next is tried in one order, whatever Python's hashes are: the same search gives the same trace."""

from datetime import timedelta

from shared.domain.rollout.weight import Weight
from tests.simulation.model.laws import Laws
from tests.simulation.model.moves import IDLE, Faults, Moves, State
from tests.simulation.model.scenarios import HORIZON, SCENARIOS
from tests.simulation.model.wiring import NOON, build_app, work
from tests.simulation.model.workers import Workers
from tests.simulation.model.world import Ask, Landing, World

SCENARIO = SCENARIOS["it is deployed"]
LIMIT = NOON + timedelta(seconds=20)


class _Web:
    name = "web"


def _landing(share: int) -> Landing:
    return Landing(Ask("site", "set_share", (_Web, Weight(share))), LIMIT)


def test_late_calls_land_in_the_order_in_which_they_were_made_first():
    moves = Moves(Workers(work(build_app())), {}, Laws({}), horizon=HORIZON)
    late = tuple(_landing(share) for share in range(0, 50_000, 5_000))

    for landings in (late, late[::-1]):
        world = World(now=NOON, sites=SCENARIO.sites, landings=(*landings, landings[0]))
        shares = [after.world.sites[0].share for _, after in moves.steps(State(world, IDLE, Faults()))]
        assert shares == [landing.ask.args[1] for landing in landings], "each once, the first first"
