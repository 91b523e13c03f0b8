"""Webhooks of our users."""
