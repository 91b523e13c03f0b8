"""Does the candidate look cold: a few requests slow by far, while most take as long as ever?

Instances that have just started compile, fill caches and open connections. A version that is slower is slower for
everybody: then the middle of its response times moves too, which is what tells the two apart.
"""

from math import exp, sqrt

from shared.domain.analysis.measurement import Sample
from shared.domain.analysis.parts import Baseline

FAR_TIMES = 5.0
"""So many times stable's share of very slow requests, at least."""
BULK_ODDS = 2.6
"""And at most so many times its share of requests that are slower than the median."""
REMEMBERED = 0.75
"""Minutes: one window of a quarter of a minute alone tells too little of the shape."""
WARM_REQUESTS = 50.0
WARM_TIMES = 1.5
WARM_NOISE = 2.0
"""So many requests at least, and at most so many times the usual number of very slow ones, give or take noise."""
MEAN_TIMES = 2.5
"""Where only averages are known: so many times stable's."""


Shape = tuple[float, float, float]
"""Requests that were very slow, slower than the median, and all, of about the last minute."""


def follow(shape: Shape, candidate: Sample, baseline: Baseline, minutes: float) -> Shape:
    """Return the shape with a window in it; what is older counts less and less."""
    histogram = candidate.histogram
    if histogram is None or baseline.far_edge is None or baseline.bulk_edge is None:
        return shape
    far, bulk = histogram.above(baseline.far_edge), histogram.above(baseline.bulk_edge)
    if far is None or bulk is None:
        return shape
    kept = exp(-minutes / REMEMBERED)
    old_far, old_bulk, old_total = shape
    return (
        round(kept * old_far + far, 4),
        round(kept * old_bulk + bulk, 4),
        round(kept * old_total + histogram.total, 4),
    )


def looks_cold(shape: Shape, candidate: Sample, stable: Sample | None, baseline: Baseline) -> bool:
    """Whether the candidate's response times are those of new instances."""
    far, bulk, total = shape
    if candidate.histogram is not None and baseline.far_edge is not None and total > 0:
        far_usual, bulk_usual = _usual_far(stable, baseline, baseline.far_edge), baseline.bulk_share
        odds = BULK_ODDS * bulk_usual / max(1.0 - bulk_usual, 1e-9)
        line = odds / (1.0 + odds)
        noise = (max(line * (1.0 - line), 0.1) / total) ** 0.5
        moved = bulk / total > line + 2.0 * noise
        return far >= 0.5 and far / total >= FAR_TIMES * far_usual and not moved
    if candidate.latency_ms is None or stable is None or stable.latency_ms is None or stable.latency_ms <= 0:
        return False
    return candidate.latency_ms >= MEAN_TIMES * stable.latency_ms


def looks_warm(shape: Shape, candidate: Sample, stable: Sample | None, baseline: Baseline) -> bool:
    """Whether the response times show that the candidate's instances are not new: no more are very slow than usual.

    Where no histogram tells, or too few requests, nothing is known and it is False: the opposite of cold is not warm.
    """
    far, _, total = shape
    if candidate.histogram is None or baseline.far_edge is None or total < WARM_REQUESTS:
        return False
    usual = _usual_far(stable, baseline, baseline.far_edge) * total
    return far <= WARM_TIMES * usual + WARM_NOISE * sqrt(usual) + 1.0


def _usual_far(stable: Sample | None, baseline: Baseline, edge: float) -> float:
    """Return the share of very slow requests in history or of stable's now, whichever is more."""
    if stable is None or stable.histogram is None or stable.histogram.total <= 0:
        return baseline.far_share
    return max(baseline.far_share, (stable.histogram.above(edge) or 0.0) / stable.histogram.total)
