"""Azure Traffic Manager: a profile whose DNS answers are divided between two of its endpoints."""
