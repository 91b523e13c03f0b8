"""Which app settings a release spec may name.

A spec is a team's own, and the app settings hold the keys of the whole app: whoever may write a spec must not get them.
"""

from typing import Final

FOR_SPECS: Final = "SLIPWAY_SECRET_"
"""How the names of settings begin that are there for specs to name."""

_OWN_PREFIXES: Final = (
    "slipway_",
    "servicebus__",
    "azurewebjobs",
    "azure_client_",
    "applicationinsights_",
    "website_",
    "identity_",
    "msi_",
)
"""In lower case. What the app, its host and its identity are set up with."""

_MIRRORED: Final = "appsetting_"
"""App Service shows each setting a second time under a name that begins so."""


def may_be_sent(name: str) -> bool:
    """Whether the setting's value may be sent to an address of the spec's own, as a bearer token is."""
    own = name.removeprefix(FOR_SPECS)
    return own not in ("", name) and own.isascii() and own.replace("_", "a").isalnum()


def may_sign(name: str) -> bool:
    """Whether what is sent may be signed with the setting's value, which itself stays here.

    Any setting of a team's own may; the app's may not, in whatever case, since a short one could be guessed.
    """
    plain = name[len(_MIRRORED) :] if name.lower().startswith(_MIRRORED) else name
    lower = plain.lower()
    is_own = lower == "servicebus" or lower.startswith(_OWN_PREFIXES)
    return plain.startswith(FOR_SPECS) or not is_own
