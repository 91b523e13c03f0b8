"""Prometheus and what speaks its HTTP API, Azure Managed Prometheus among it."""
