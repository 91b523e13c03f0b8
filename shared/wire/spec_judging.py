"""How sure a judgement must be, in a release spec; one that says nothing of it works."""

from datetime import timedelta
from typing import Final

from shared.domain.analysis.guards import Guard, Metric, Ratio, Slower, Tail
from shared.domain.rollout.spec import Judging, LowTraffic
from shared.wire.durations import format_duration, parse_duration_or_none
from shared.wire.findings import Part, found
from shared.wire.objectives import format_multiple, parse_multiple
from shared.wire.quantities import parse_chance, parse_hold_back

LONGEST_WARM_UP: Final = timedelta(hours=1)

_DEFAULT: Final = Judging()


def read_judging(part: Part, guards: tuple[Guard, ...]) -> Judging:
    """Read `judgement`. A smallest regression that the guards tolerate is refused: it would never be seen."""
    judging = Judging(
        alpha=part.child("alpha").read(parse_chance, _DEFAULT.alpha),
        risk=part.child("risk").read(parse_chance, _DEFAULT.risk),
        warm_up=part.child("warmUp").read(_warm_up, _DEFAULT.warm_up),
        low_traffic=part.child("lowTraffic").read(LowTraffic, _DEFAULT.low_traffic),
        hold_back=part.child("holdBack").read(parse_hold_back, _DEFAULT.hold_back),
        smallest_regression=part.child("smallestRegression").read(parse_multiple, None),
    )
    if judging.smallest_regression is not None:
        _refuse_tolerated(part.child("smallestRegression"), judging.smallest_regression, guards)
    return judging


def _warm_up(text: str) -> timedelta:
    warm_up = parse_duration_or_none(text)
    if warm_up > LONGEST_WARM_UP:
        raise ValueError(f"allowed is a warm-up of at most {format_duration(LONGEST_WARM_UP)}")
    return warm_up


def _refuse_tolerated(part: Part, smallest: float, guards: tuple[Guard, ...]) -> None:
    for guard in guards:
        tolerated = _tolerated_multiple(guard)
        if smallest <= tolerated:
            part.refuse(
                f"{found(part.path, part.value)}allowed is more than the {format_multiple(tolerated)} "
                f"that guard {guard.name} tolerates"
            )
            return


def _tolerated_multiple(guard: Guard) -> float:
    """Return the multiple of stable's rate that is no fault to a guard; 0 where it decides nothing about a rate."""
    if guard.notify_only:
        return 0.0
    match guard.test:
        case Tail() | Slower():
            return guard.test.maximum
        case Ratio() if guard.metric in (Metric.ERROR_RATE, Metric.COUNTER):
            return guard.test.maximum
        case _:
            return 0.0
