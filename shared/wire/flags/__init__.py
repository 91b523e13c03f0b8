"""Flags and segments in documents: our own form, and what other products say and are told."""
