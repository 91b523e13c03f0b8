"""Several applications as one release: they go on together, and what one cannot keep, all give back."""
