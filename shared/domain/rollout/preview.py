"""A swap with preview: production's settings are on the slot already, and the exchange is still to come."""

from enum import StrEnum


class Preview(StrEnum):
    """Which swap with preview is pending on a site."""

    NONE = "none"
    PENDING = "pending"
    """The candidate's place has production's settings and waits to be swapped with production."""
    FOREIGN = "foreign"
    """Another pair of places waits to be swapped: nothing else can be, until that is finished or cancelled."""
