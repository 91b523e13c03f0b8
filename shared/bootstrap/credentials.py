"""By what Azure knows this app: its managed identity, or a token that the settings name."""

from typing import TYPE_CHECKING

from shared.bootstrap.on_first_use import BuiltOnce

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential


@BuiltOnce
def identity() -> "TokenCredential":
    """Return the identity of the machine that this runs on, or of the person who is logged in there."""
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential()


def fixed_token(token: str) -> "TokenCredential":
    """Return a credential that always shows this token."""
    from shared.adapters.system.credential import FixedTokenCredential

    return FixedTokenCredential(token)
