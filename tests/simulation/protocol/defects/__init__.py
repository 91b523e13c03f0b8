"""Seeded defects: mistakes that somebody could make, each a small patch of the production code for one run.

They show that the laws bite. A defect is found when some schedule breaks a law with it and none without it.
"""
