"""A world in memory on a clock of its own: sites, swaps, traffic and webhooks, for scenarios and tests."""
