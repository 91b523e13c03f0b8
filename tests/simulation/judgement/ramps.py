"""The steps that a release takes before its promotion."""

FIVE = (0.05, 0.10, 0.25, 0.50)
ONE = (0.01, 0.05, 0.20, 0.50)
RAMPS = {"5": FIVE, "1": ONE}

BAKE_WEIGHT = 0.95
"""After promotion a hold-back stays on the stable version, so that there is something to compare with."""
BAKE_MINUTES = 20.0
