"""What the shop's page, its visitors and the flag agree on."""

from typing import Final

FLAG: Final = "checkout"
ENVIRONMENT: Final = "production"
VARIANTS: Final = ("old", "new", "bold")
FALLBACK: Final = "old"
"""What is drawn when the flag cannot be asked for."""
COOKIE: Final = "visitor"
"""It names the visitor, of whom nothing else is known."""
WINDOW_SECONDS: Final = 5
"""How long the windows are that the page reports, as the release spec has it."""
