"""Addresses that are called from here: https, and without a secret in them, for a spec is read by many."""

import re
from typing import Final
from urllib.parse import parse_qsl, urlsplit

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_SECRET: Final = re.compile(
    r"(.*[-_])?(api)?(auth|authorization|code|key|passwd|password|pwd|secret|sig|signature|token)"
)
_VISIBLE: Final = re.compile(r"[!-~]+")
_LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_PLACE_OF_SERVER: Final = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*\.?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{{1,5}})?")
_LONGEST_HOST: Final = 253
_FILLED_IN: Final = frozenset({"version", "since", "until", "seconds"})
_PLACE: Final = re.compile(r"\{([^{}]*)\}")


def parse_web_address(text: str) -> str:
    """Return an address that may be called. Raises ValueError, which never repeats the address."""
    if not _VISIBLE.fullmatch(text):
        # Those who take a URL apart drop line breaks and tabs without a word.
        raise ValueError(
            "allowed is an address of visible ASCII characters: percent-encode others, and write a host's name as xn--"
        )
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError("allowed is an https address such as https://hooks.example.org/ops") from error
    if not host or parts.scheme not in ("https", "http"):
        raise ValueError("allowed is an https address such as https://hooks.example.org/ops")
    if "@" in parts.netloc:
        raise ValueError("allowed is an address without a user and password; name an app setting in secretSetting")
    if not _PLACE_OF_SERVER.fullmatch(parts.netloc) or len(host) > _LONGEST_HOST or port == 0:
        raise ValueError("allowed is a host's name of letters, digits, hyphens and dots, or its IP address, and a port")
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise ValueError("allowed is https; http is taken for localhost alone")
    return text


def parse_source_address(text: str) -> str:
    """Return the address of a source of metrics: also without a key in its query. Raises ValueError."""
    parse_web_address(text)
    names = {name.lower() for name, _ in parse_qsl(urlsplit(text).query, keep_blank_values=True)}
    if secret := sorted(filter(_SECRET.fullmatch, names)):
        raise ValueError(f"allowed is an address without a secret ({secret[0]}); name an app setting in secretSetting")
    return text


def parse_server_address(text: str) -> str:
    """Return the address of a server, to which paths are added. Raises ValueError."""
    parse_source_address(text)
    if "?" in text or "#" in text:
        raise ValueError("allowed is a server's address, without ? and #")
    return text


def parse_page_address(text: str) -> str:
    """Return the address of a page that is asked for one version in one window. Raises ValueError."""
    parse_source_address(text)
    if "#" in text:
        raise ValueError("allowed is an address without #: what follows it is not sent")
    places = set(_PLACE.findall(text))
    if places - _FILLED_IN or set("{}") & set(_PLACE.sub("", text)):
        raise ValueError("allowed in braces are {version}, {since}, {until} and {seconds}")
    if "version" not in places:
        raise ValueError("allowed is an address with {version} in it: else both versions would get the same counts")
    if not places & {"since", "until"}:
        raise ValueError(
            "allowed is an address with {since} or {until} in it: else each window would get the same counts"
        )
    return text
