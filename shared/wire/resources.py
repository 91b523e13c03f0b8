"""Azure resource ids as keys: alerts write them in any case, and name a slot where a spec names its site."""

import hashlib
import re

_SLOT = re.compile(r"/slots/[^/]+$")


def normal_resource(resource: str) -> str:
    """Return the id in the form that ids are compared in: lower case, without a trailing slot or slash."""
    return _SLOT.sub("", resource.strip().rstrip("/").lower())


def resource_group(resource: str) -> str:
    """Return the group of the look-up rows for a resource."""
    return hashlib.sha256(normal_resource(resource).encode()).hexdigest()[:32]
