"""The triggers: each decodes, calls one use case and encodes."""
