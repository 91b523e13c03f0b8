"""A split of a flag as a resource: `flag:<environment>/<key>`, and `#rule:<id>` or `#region:<region>` behind it."""

import re
from typing import Final

from shared.domain.errors import RejectedError
from shared.domain.flags.split_names import SplitName
from shared.domain.names import EnvironmentName, FlagKey
from shared.wire.flags.members import FLAG_KEY, REGION

SCHEME: Final = "flag:"
_ENVIRONMENT: Final = r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?"
_SPLIT: Final = re.compile(
    rf"{SCHEME}(?P<environment>{_ENVIRONMENT})/(?P<flag>{FLAG_KEY.pattern})"
    rf"(?:#(?:rule:(?P<rule>[^\s#][^#]{{0,127}})|region:(?P<region>{REGION.pattern})))?"
)


def parse_flag_split(text: str) -> SplitName:
    """Return the split. Raises `RejectedError` when the text is none's."""
    match = _SPLIT.fullmatch(text)
    if match is None:
        raise RejectedError(f"'{text[:200]}' is not the split of a flag")
    return SplitName(
        environment=EnvironmentName(match["environment"]),
        flag=FlagKey(match["flag"]),
        rule=match["rule"],
        region=match["region"],
    )


def flag_split(split: SplitName) -> str:
    """Return the split as the resource of a target."""
    flag = f"{SCHEME}{split.environment}/{split.flag}"
    if split.rule is not None:
        return f"{flag}#rule:{split.rule}"
    return f"{flag}#region:{split.region}" if split.region is not None else flag
