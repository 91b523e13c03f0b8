"""Whole worlds in one process, on one seed: `judgement` asks what the analysis promises, `protocol` the engine."""
