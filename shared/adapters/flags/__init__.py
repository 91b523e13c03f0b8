"""Feature flags of our own as targets: a rollout moves users between two variants of a split."""
