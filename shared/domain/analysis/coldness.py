"""Does the candidate look cold: a few requests slow by far, while most take as long as ever?

Instances that have just started compile, fill caches and open connections. A version that is slower is slower for
everybody: then the middle of its response times moves too, which is what tells the two apart.
"""

from shared.domain.analysis.measurement import Sample
from shared.domain.analysis.parts import Baseline

FAR_TIMES = 6.0
"""So many times stable's share of very slow requests, at least."""
BULK_TIMES = 1.45
"""And at most so many times its share of requests that are slower than the median."""
MEAN_TIMES = 2.5
"""Where only averages are known: so many times stable's."""


def looks_cold(candidate: Sample, stable: Sample | None, baseline: Baseline) -> bool:
    """Whether the candidate's response times are those of new instances."""
    histogram = candidate.histogram
    if histogram is not None and baseline.far_edge is not None and baseline.bulk_edge is not None:
        far, bulk = histogram.above(baseline.far_edge), histogram.above(baseline.bulk_edge)
        if far is None or bulk is None or histogram.total <= 0:
            return False
        far_usual, bulk_usual = baseline.far_share, baseline.bulk_share
        if stable is not None and stable.histogram is not None and stable.histogram.total > 0:
            far_usual = max(far_usual, (stable.histogram.above(baseline.far_edge) or 0.0) / stable.histogram.total)
        noise = (bulk_usual * (1 - bulk_usual) / histogram.total) ** 0.5
        moved = bulk / histogram.total > max(BULK_TIMES * bulk_usual, bulk_usual + 2.0 * noise)
        return far >= 1.0 and far / histogram.total >= FAR_TIMES * far_usual and not moved
    if candidate.latency_ms is None or stable is None or stable.latency_ms is None or stable.latency_ms <= 0:
        return False
    return candidate.latency_ms >= MEAN_TIMES * stable.latency_ms
