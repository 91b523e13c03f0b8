"""Too few requests for a verdict by the end of a bake: what the spec says is done. Nothing here advances."""

from datetime import timedelta

from shared.domain.analysis.judgement import Verdict
from shared.domain.rollout.draft import Draft
from shared.domain.rollout.events import BakeExtended
from shared.domain.rollout.spec import Bake, LowTraffic, Outcome, Spec
from shared.domain.rollout.state import Rollout
from shared.domain.rollout.steps import time_out
from shared.domain.rollout.timing import REMINDER
from shared.domain.rollout.weight import to_percent

EXTENSIONS_AT_MOST = 3


def lacks_traffic(live: Rollout) -> bool:
    """Whether nothing but a lack of requests keeps the targets from a verdict."""
    judgements = [target.judgement for target in live.targets]
    open_ones = [each for each in judgements if each is None or each.verdict is not Verdict.HEALTHY]
    return bool(open_ones) and all(each is not None and each.lacks_traffic for each in open_ones)


def wait_for_traffic(draft: Draft, live: Rollout, spec: Spec, bake: Bake) -> None:
    """Go on judging at this weight, and tell people; or ask a person."""
    few = f"too few requests for a verdict at {to_percent(live.weight):g} %"
    match spec.judging.low_traffic:
        case LowTraffic.ASK:
            time_out(draft, live, Outcome.PAUSE, few)
        case LowTraffic.EXTEND if live.extensions < EXTENSIONS_AT_MOST:
            _extend(draft, live, bake.maximum, few)
        case LowTraffic.HOLD | LowTraffic.EXTEND | LowTraffic.BIGGER_FIRST_STEP:
            _extend(draft, live, REMINDER, few)


def _extend(draft: Draft, live: Rollout, by: timedelta, few: str) -> None:
    until = draft.now + by
    why = f"{few}: it stays there and is judged on, until {until:%F %H:%M} UTC at least"
    draft.record(BakeExtended(at=draft.now, rollout=live.id, step=live.step, until=until, why=why))
