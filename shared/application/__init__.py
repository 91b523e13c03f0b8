"""The use cases: in which order ports and rules are called. No rules of their own."""
