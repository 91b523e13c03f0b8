"""Resource ids, as Azure writes them: in any case."""

import re
from dataclasses import dataclass

from shared.domain.errors import RejectedError

_RESOURCE = re.compile(
    r"/subscriptions/[0-9a-f-]{36}/resourceGroups/[\w.()-]{1,90}(?<!\.)"
    r"/providers/(?P<provider>[a-z0-9.]{1,80})(?P<parts>(?:/\w[\w.-]{0,89}/[\w(-][\w.() -]{0,259})+)/?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ResourceId:
    """A resource's id and what kind of resource it is."""

    text: str
    kind: str
    """The provider and the types, in lower case, such as `microsoft.web/sites/slots`."""


def parse_resource_id(text: str) -> ResourceId:
    """Return the id and its kind. Raises `RejectedError` when it is not the id of a resource."""
    match = _RESOURCE.fullmatch(text)
    if match is None:
        raise RejectedError(f"'{text[:200]}' is not the id of an Azure resource")
    types = match["parts"].strip("/").split("/")[::2]
    return ResourceId(text.rstrip("/"), "/".join((match["provider"], *types)).lower())
