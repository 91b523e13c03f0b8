"""Hides what looks like a secret in a text of somebody else's: a message's body, shown to people."""

import re
from typing import Final

HIDDEN: Final = "***"
_SECRETIVE: Final = re.compile(
    "(?i)passw|passphrase|secret|token|credential|authoriz|api[-_]?key|access[-_]?key|account[-_]?key|private[-_]?key"
    "|primary[-_]?key|subscription[-_]?key|connection[-_]?string|signature|cookie|^(?:sig|pwd|pass|sas)$"
)
_MEMBER: Final = re.compile(r'"([^"\\]{1,100})"(\s{0,20}:\s{0,20})"((?:[^"\\]|\\.)*+)("|\\?\Z)', re.DOTALL)
_MEMBER_OF_TEXT: Final = re.compile(
    r'\\"([^"\\]{1,100})\\"(\s{0,20}:\s{0,20})\\"((?:[^"\\]|\\[^"])*+)(\\"|"|\\?\Z)', re.DOTALL
)
"""The same in JSON that stands as a text within JSON."""
_BEFORE: Final = (
    re.compile(r"(?i)([?&](?:code|sig|key|token|access_token)=)[^&\s\"'<>\\]+"),
    re.compile(r"(?i)\b((?:Bearer|Basic)\s{1,5})[A-Za-z0-9._~+/=-]{8,}"),
    re.compile(r"(?i)\b(X-API-Key['\"]?\s{0,5}[:=]\s{0,5}['\"]?)[^\s\"',;]+"),
    re.compile(r"(?i)\b((?:Shared)?Access(?:Key|Signature)=|AccountKey=|Password=|Pwd=)[^;\s\"']+"),
    re.compile(r"(://[^/\s:@\"']{1,100}:)[^/\s@\"']{1,200}(?=@)"),
    re.compile(r"(-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----)[^-]*"),
)
"""What follows these is hidden."""
_WHOLE: Final = re.compile(r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*")
"""A JSON web token, wherever it stands."""


def without_secrets(text: str) -> str:
    """Return the text with what looks like a secret hidden: members of JSON whose names say so, and what addresses,
    headers, connection strings, keys and tokens carry.

    A guess, for people's eyes: the text is not safe to give away because of it.
    """
    text = _MEMBER.sub(_hide_member, text)
    text = _MEMBER_OF_TEXT.sub(_hide_member, text)
    for pattern in _BEFORE:
        text = pattern.sub(rf"\g<1>{HIDDEN}", text)
    return _WHOLE.sub(HIDDEN, text)


def _hide_member(match: re.Match[str]) -> str:
    if not match[3] or not _SECRETIVE.search(match[1]):
        return match[0]
    quote = "\\" if match[0].startswith("\\") else ""
    return f'{quote}"{match[1]}{quote}"{match[2]}{quote}"{HIDDEN}{match[4]}'
