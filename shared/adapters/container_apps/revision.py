"""One revision of an app: an immutable build with its settings, that runs while it is active."""

from dataclasses import dataclass
from datetime import datetime

from shared.domain.names import Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What the management API tells of a revision; states in lower case."""

    name: str
    """Such as `shop--v2`: the app's name and a suffix."""
    host: str
    created: datetime
    active: bool
    provisioning: str
    running: str
    weight: int
    """The percentage that it has, however the app words it."""
    images: tuple[str, ...]
    error: str = ""
    """Why provisioning failed."""

    def is_named(self, version: Version) -> bool:
        """Whether its name, or the suffix of it, is the version."""
        return version in (self.name, self.name.partition("--")[2])

    def has_image(self, version: Version) -> bool:
        """Whether one of its images is the version, or bears it as its tag or its digest."""
        return any(version in _words(image) for image in self.images)

    @property
    def is_up(self) -> bool:
        """Whether it is to run. One that is being taken down is told as active for a while."""
        return self.active and self.running != "deprovisioning"

    def lacks(self) -> str | None:
        """Return what must come before users can be sent to it, or None when nothing must."""
        if not self.is_up:
            return f"{self.name} is not active: activate it (az containerapp revision activate)"
        if "failed" in (self.provisioning, self.running):
            return f"{self.name} failed{f' ({self.error:.300})' if self.error else ''}: deploy it again"
        if self.provisioning not in ("", "provisioned"):
            return f"{self.name} is not provisioned yet, but {self.provisioning}"
        return None


def _words(image: str) -> tuple[str, ...]:
    """Return an image, its tag and its digest: `registry:5000/shop:1.2@sha256:ab` has `1.2` and `sha256:ab`."""
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return tuple(word for word in (image, name, tag, digest) if word)
