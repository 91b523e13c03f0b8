"""Who is asking: our own check of keys, the same on Azure and on a laptop."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hmac import compare_digest


@dataclass(frozen=True, slots=True)
class Access:
    """Knows the keys. An app without keys lets nobody in."""

    operators: Mapping[str, str]
    sources: Mapping[str, str]
    evaluators: Mapping[str, str] = field(default_factory=dict)
    """`environment/name` with a key that is good for evaluating the flags of that environment, and for nothing else."""

    def operator(self, headers: Mapping[str, str]) -> str | None:
        """Return whose operator key the request carries (`Authorization: Bearer` or `X-API-Key`), or None."""
        return _owner(self.operators, _presented(headers))

    def evaluator(self, headers: Mapping[str, str]) -> str | None:
        """Return the environment whose flags the request's key may evaluate, or None."""
        owner = _owner(self.evaluators, _presented(headers))
        return owner.partition("/")[0] if owner is not None else None

    def knows(self, headers: Mapping[str, str], code: str | None = None) -> bool:
        """Whether the request carries any key of this app, good for what is asked or not.

        Where there is a `code` it is asked for, as by `source`, and only among the keys of sources: any other key opens
        nothing in an address.
        """
        if code:
            return _owner(self.sources, code) is not None
        presented = _presented(headers)
        return any(_owner(keys, presented) is not None for keys in (self.operators, self.sources, self.evaluators))

    def source(self, name: str, headers: Mapping[str, str], code: str | None) -> str | None:
        """Return who may post events of this source: an operator, or the source by its own key (also as `?code=`)."""
        operator = self.operator(headers)
        if operator is not None:
            return operator
        own = {name: self.sources[name]} if name in self.sources else {}
        return _owner(own, code or _presented(headers))


def _presented(headers: Mapping[str, str]) -> str:
    lowered = {name.lower(): value for name, value in headers.items()}
    scheme, _, token = lowered.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return lowered.get("x-api-key", "")


def _owner(keys: Mapping[str, str], presented: str) -> str | None:
    """Compare with every key, in time that does not tell which one was near."""
    offered = presented.encode(errors="surrogatepass")
    owners = [owner for owner, key in keys.items() if compare_digest(key.encode(), offered)]
    return owners[0] if owners and presented else None
