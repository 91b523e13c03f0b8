"""Bytes from outside and documents at rest, to and from domain values. The only room that doubts."""
