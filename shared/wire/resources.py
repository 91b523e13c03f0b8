"""Resources as keys. Alerts write Azure ids in any case, and name a slot where a spec names its site; flags are other
flags in other case."""

import hashlib
import re

from shared.wire.flag_split import SCHEME

_SLOT = re.compile(r"/slots/[^/]+$")


def normal_resource(resource: str) -> str:
    """Return the resource in the form that resources are compared in: an id in lower case, without a trailing slot or
    slash; the split of a flag as it stands, for its names are case-sensitive.
    """
    if resource.strip().lower().startswith(SCHEME):
        return f"{SCHEME}{resource.strip()[len(SCHEME) :]}"
    return _SLOT.sub("", resource.strip().rstrip("/").lower())


def resource_group(resource: str) -> str:
    """Return the group of the look-up rows for a resource."""
    return hashlib.sha256(normal_resource(resource).encode("utf-8", "surrogatepass")).hexdigest()[:32]
