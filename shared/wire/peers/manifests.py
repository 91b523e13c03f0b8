"""Kubernetes manifests as files hold them: several documents a file, lists of objects taken apart."""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.domain.errors import InvalidError, Problem
from shared.wire.findings import Findings, Part
from shared.wire.peers.readings import an_object, entries, given, text
from shared.wire.yaml_source import read_yaml_documents


@dataclass(frozen=True, slots=True)
class File:
    """A file as it was given."""

    name: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object of Kubernetes, with where it stands."""

    file: str
    number: int
    """Which document of the file it stands in, counted from 1."""
    part: Part

    @property
    def kind(self) -> str:
        """The kind that it says it is; empty where it says none."""
        return _plain(self.part, "kind")

    @property
    def api_version(self) -> str:
        """The group and version of its kind."""
        return _plain(self.part, "apiVersion")

    @property
    def name(self) -> str:
        """Its name, without judging it."""
        return _plain(self.part.child("metadata"), "name")

    @property
    def namespace(self) -> str:
        """Its namespace; empty where it says none."""
        return _plain(self.part.child("metadata"), "namespace")

    @property
    def line(self) -> int | None:
        """The line of its kind, or where it begins."""
        return self.part.findings.source.line_of((*self.part.path, "kind"))

    def refuse(self, key: str, message: str) -> None:
        """Note a problem with one of its members."""
        self.part.child(key).refuse(message)


def read_manifests(file: File) -> tuple[Manifest, ...]:
    """Return the objects in a file. Raises `InvalidError` for broken YAML and for documents that are no objects."""
    sources = read_yaml_documents(file.body)
    roots = [Part(source.value, (), Findings(source)) for source in sources if source.value is not None]
    if not roots:
        raise InvalidError(Problem("", "the file is empty; allowed are manifests in YAML or JSON"))
    manifests = tuple(
        manifest for number, root in enumerate(roots, start=1) for manifest in _taken_apart(file.name, number, root)
    )
    for root in roots:
        root.findings.raise_if_any()
    return manifests


def _taken_apart(file: str, number: int, part: Part) -> Iterator[Manifest]:
    an_object(part)
    kind = text(given(part, "kind"))
    if kind.endswith("List") and isinstance(part.child("items").value, list):
        for item in entries(part.child("items")):
            yield Manifest(file, number, an_object(item))
    else:
        yield Manifest(file, number, part)


def _plain(part: Part, key: str) -> str:
    value = part.child(key).value
    return value if isinstance(value, str) else ""
