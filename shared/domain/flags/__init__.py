"""Feature flags: the model, and what a flag serves to whom."""
