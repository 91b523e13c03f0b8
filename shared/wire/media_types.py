"""Content types, as far as they matter here."""

from dataclasses import dataclass
from typing import Final

_YAML: Final = frozenset({"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml", "text/vnd.yaml"})


@dataclass(frozen=True, slots=True)
class MediaType:
    """A content type without its case; empty when there was none."""

    name: str
    charset: str | None = None


def parse_media_type(header: str | None) -> MediaType:
    """Return what a `Content-Type` header says. Never fails: nonsense is a type that nobody knows."""
    name, *parameters = (header or "").split(";")
    pairs = (parameter.strip().partition("=") for parameter in parameters)
    charsets = (value.strip().strip('"').lower() for key, _, value in pairs if key.strip().lower() == "charset")
    return MediaType(name.strip().lower(), next(charsets, None))


def is_json(media: MediaType) -> bool:
    """Whether a body of this type is JSON."""
    return media.name in ("application/json", "text/json") or media.name.endswith("+json")


def is_yaml(media: MediaType) -> bool:
    """Whether a body of this type is YAML."""
    return media.name in _YAML or media.name.endswith("+yaml")
