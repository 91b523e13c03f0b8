"""Whole worlds in one process and on one seed: `judgement` asks what the analysis promises, `protocol` what the engine does."""
