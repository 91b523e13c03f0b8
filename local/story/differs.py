"""The error of a story that does not go as it was told."""


class StoryDiffersError(Exception):
    """What happened is not what the story says; the message says what."""
