"""Azure Monitor's platform metrics, by its batch API."""
