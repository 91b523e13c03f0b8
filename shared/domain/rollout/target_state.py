"""One target of a rollout: what should be there and what was seen there."""

from dataclasses import dataclass, field
from datetime import datetime

from shared.domain.analysis.judgement import Judgement
from shared.domain.analysis.sequence import AnalysisState
from shared.domain.experiments.totals import Totals
from shared.domain.names import TargetName, Version
from shared.domain.rollout.audience import RequestMark
from shared.domain.rollout.phases import Side
from shared.domain.rollout.spec import Located
from shared.domain.rollout.weight import ALL, NONE, Weight, rest


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetState:
    """One target of a rollout: what should be there and what was seen there."""

    name: TargetName
    swaps: bool = True
    """Whether a promotion exchanges what two places serve; else the candidate stays where it is and gets everyone."""
    located: Located | None = None
    """Which places hold the two versions, where that is not fixed; None until preflight found them."""
    wanted: Weight = NONE
    """The candidate's share that was decided."""
    previews: bool = False
    """Whether testers meet the candidate at its own place, while nobody is sent there."""
    proven: Weight = NONE
    """The highest share that the judgements so far allow."""
    observed: Weight | None = None
    """The candidate's share last seen at the router; None until it was read."""
    generation: int = 0
    """Rises with every new level, so that an effect of an older one is known to be late."""
    reached: int = -1
    """The newest generation that the router was seen to follow."""
    audience: RequestMark | None = None
    """Which marked requests are to go to the candidate, whatever its share."""
    audience_level: int = 0
    """Rises with every new audience, as the generation does with every new weight."""
    audience_reached: int = 0
    """The newest level that the router was seen to follow."""
    prepares: bool = False
    """Whether the candidate's place is to hold production's settings, before it is swapped."""
    preparing_level: int = 0
    """Rises each time that this changes, or somebody else changed it."""
    preparing_reached: int = 0
    """The newest level that the site was seen to follow."""
    totals: Totals | None = None
    """What an experiment has counted here; None where none was begun."""
    side: Side = Side.STABLE
    """What production was last seen to serve. Where nothing is swapped: whether the candidate was promoted."""
    wanted_side: Side = Side.STABLE
    swap_begun: bool = False
    """Whether a swap may have been asked for and production has not been seen to serve the stable version since."""
    swap_token: str | None = None
    stable_version: Version | None = None
    replaced_by: Version | None = None
    """What was found in the place that should hold the candidate, if it was ever something else."""
    passes: int = 0
    """How many looks of preflight in a row found nothing in the way here."""
    in_production: Version | None = None
    """What the last look of preflight saw production serve, whoever brought it there; None until it was seen."""
    candidate_since: datetime | None = None
    """Since when the candidate, and the users who meet it, are known to be at the place where it is measured."""
    analysis: AnalysisState = field(default_factory=AnalysisState)
    judgement: Judgement | None = None
    concern_accepted: bool = False
    """Whether a person resumed after a pause for this target's concern: it holds nothing up until the next step."""
    warned: tuple[str, ...] = ()
    """The guards that only notify and of which people were told already."""

    def share(self) -> Weight:
        """Return what the router must send to the candidate place for the wanted level.

        While production holds the candidate, the candidate place holds the old version: only those who are held back
        are sent there. While production gives the candidate back, that place may come to hold the version that hurts:
        nobody is sent there. Where nothing is swapped the candidate's place holds the candidate, whatever happens.
        """
        if not self.swaps:
            return self.wanted
        if self.side is Side.STABLE:
            return self.wanted
        return rest(self.wanted) if self.wanted_side is Side.CANDIDATE else NONE

    def seen(self, share: Weight) -> Weight:
        """Return the candidate version's share of users when the router sends `share` to the candidate place."""
        return rest(share) if self.swaps and self.side is Side.CANDIDATE else share

    @property
    def has_concern(self) -> bool:
        """Whether the judgement asks a person to look."""
        return self.judgement is not None and self.judgement.concern is not None

    @property
    def holds_back(self) -> bool:
        """Whether the candidate is promoted, and some users are to stay with the stable version beside it."""
        return self.side is Side.CANDIDATE and self.wanted_side is Side.CANDIDATE and self.wanted < ALL

    @property
    def is_settled(self) -> bool:
        """Whether the target is as wanted, as far as was seen."""
        has_audience = self.audience_reached == self.audience_level
        is_at_rest = has_audience and self.has_preview_as_wanted
        return self.reached == self.generation and is_at_rest and self.side is self.wanted_side

    @property
    def had_audience(self) -> bool:
        """Whether a router was ever told of an audience here."""
        return self.audience_level > 0

    @property
    def has_preview_as_wanted(self) -> bool:
        """Whether a swap with preview is pending, or none, as is wanted and as far as was seen."""
        return self.preparing_reached == self.preparing_level

    @property
    def was_prepared(self) -> bool:
        """Whether a swap with preview was ever asked for here."""
        return self.preparing_level > 0

    @property
    def is_back(self) -> bool:
        """Whether no user is sent to the candidate, as far as was seen, and no swap is in doubt."""
        return self.is_settled and self.observed == NONE and not self.swap_begun

    @property
    def is_exposed(self) -> bool:
        """Whether users may meet the candidate here."""
        met = self.wanted > NONE or self.observed not in (None, NONE) or self.side is Side.CANDIDATE
        return met or self.previews or self.audience is not None
