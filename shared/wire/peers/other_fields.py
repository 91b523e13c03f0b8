"""Documents that stand beside those of a release, and need nothing here."""

from typing import Final

from shared.wire.peers.accounts import Fate, Known, known_fields

OTHER: Final[Known] = known_fields(
    "manifest", {"*": (Fate.NOT_NEEDED, "stays in the cluster as it is: nothing of it is part of a release spec")}
)
