"""What is known beforehand of the fields that every object in a cluster has, and of what could not be taken."""

from typing import Final

from shared.wire.peers.accounts import Fate

IDENTITY: Final = (Fate.NOT_NEEDED, "says what the document is")
METADATA: Final = (Fate.NOT_NEEDED, "labels and the like stay with the object in the cluster")
STATUS: Final = (Fate.NOT_NEEDED, "tells what was, and asks for nothing")
EMPTY: Final = (Fate.NOT_NEEDED, "says nothing by itself")
LEFT_OUT: Final = (Fate.NO_EQUAL, "could not be taken; chosen: left out")

COMMON: Final = {
    "apiVersion": IDENTITY,
    "kind": IDENTITY,
    "metadata": METADATA,
    "metadata.*": METADATA,
    "metadata.name": IDENTITY,
    "metadata.namespace": IDENTITY,
    "status": STATUS,
}
