"""The arguments of an Argo analysis: what is filled into its templates, as far as that is known beforehand."""

import re
from collections.abc import Mapping
from typing import Any, Final

from shared.wire.findings import Part
from shared.wire.peers.accounts import Accounts
from shared.wire.peers.measuring import VERSION
from shared.wire.peers.readings import an_object, entries, given, given_at, text

_ARGUMENT: Final = re.compile(r"\{\{-?\s*(?:inputs\.)?args\.([a-zA-Z0-9_.-]+)\s*-?\}\}")
_KEY: Final = re.compile(r"\.?([a-zA-Z0-9_-]+)|\['([^']+)'\]|\[\"([^\"]+)\"\]|\[([0-9]{1,4})\]")

Arguments = Mapping[str, str]


def read_arguments(analysis: Part, rollout: Part, accounts: Accounts, *, used: bool = True) -> dict[str, str]:
    """Return what the caller of a template says; what is not known before the release is left out and said.

    `used`: whether a template that may ask for it is in the files.
    """
    told: dict[str, str] = {}
    for argument in entries(given(analysis, "args")):
        an_object(argument)
        name, value = text(given(argument, "name")), given(argument, "value")
        source = given_at(argument, "valueFrom")
        if value.exists:
            told[name] = text(value)
            if used:
                accounts.becomes(argument, "filled into the queries that ask for it")
            else:
                accounts.no_equal(argument, "no template that asks for it is in these files", "nothing of it")
        elif source.exists:
            _read_source(source, name, rollout, told, accounts)
    return told


def defaults_of(template: Part, accounts: Accounts) -> dict[str, str]:
    """Return the arguments that a template says itself."""
    told: dict[str, str] = {}
    for argument in entries(given_at(template, "spec").child("args")) if _has_spec(template) else ():
        an_object(argument)
        name, value = text(given(argument, "name")), given(argument, "value")
        if value.exists:
            told[name] = text(value)
            accounts.becomes(argument, "filled into the queries that ask for it, unless the caller says another value")
        elif given_at(argument, "valueFrom").exists:
            accounts.no_equal(
                argument,
                "secrets of the cluster are not read",
                "a token is read from the app setting that secretSetting names, which you set",
            )
    return told


def filled(written: str, arguments: Arguments) -> str:
    """Return a text with the arguments filled in. Raises ValueError for one that is not known."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in arguments:
            raise ValueError(f"it asks for the argument {match[1]:.60}, which is not known before the release")
        return arguments[match[1]]

    result = _ARGUMENT.sub(value, written)
    if "{{" in result:
        raise ValueError("it holds an expression that is more than one argument")
    return result


def _has_spec(template: Part) -> bool:
    return isinstance(template.child("spec").value, dict)


def _read_source(source: Part, name: str, rollout: Part, told: dict[str, str], accounts: Accounts) -> None:
    pods, field = given(source, "podTemplateHashValue"), given_at(source, "fieldRef").child("fieldPath")
    if pods.exists and text(pods) == "Latest":
        told[name] = VERSION
        accounts.becomes(source, "$version: the label that it is compared with must hold the announced version")
    elif pods.exists:
        accounts.no_equal(source, "each version is asked for by itself", "metrics that name the other one are left out")
    elif isinstance(field.value, str) and (value := _at(rollout.value, field.value)) is not None:
        told[name] = value
        accounts.becomes(source, "its value as it stands in this document")
    else:
        accounts.no_equal(source, "it is not known before the release", "metrics that ask for it are left out")


def _at(document: Any, path: str) -> str | None:
    at, value = 0, document
    while at < len(path):
        match = _KEY.match(path, at)
        if match is None:
            return None
        at = match.end()
        key = next(each for each in match.groups() if each is not None)
        if isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        elif isinstance(value, dict):
            value = value.get(key)
        else:
            return None
    return value if isinstance(value, str) else None
