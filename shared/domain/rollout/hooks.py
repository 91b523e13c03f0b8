"""Hooks: calls to the outside that a release makes at its stages, and how each of them stands."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An address that takes a JSON body by POST. It knows ids: the same one twice is one call."""

    url: str
    secret_setting: str | None = None
    """The app setting with the key that calls are signed with, and by which an answer that comes back is known."""
    polls: bool = False
    """Whether a result that takes time is asked for at the `Location` of the answer. Otherwise it is called back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GithubWorkflow:
    """A workflow of GitHub Actions that is dispatched. It knows no ids: its runs are told apart by their names."""

    repository: str
    """`owner/name`."""
    workflow: str
    """The workflow's file name, such as `migrate.yml`, or its number."""
    ref: str
    """The branch or tag whose workflow runs."""
    token_setting: str
    """The app setting with a token that may read and write the repository's actions."""
    inputs: tuple[tuple[str, str], ...] = ()
    """Names and values. `{version}` in a value stands for that part of the call's body, and so do its other parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerAppsJob:
    """A Container Apps job that is started. It knows no ids: its executions are told apart by their environment."""

    resource: str
    """The job's resource id."""


HookCall = Webhook | GithubWorkflow | ContainerAppsJob


class HookState(StrEnum):
    """How a call stands."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """It cannot be found out whether it ran, or how it ended: a person must say so. Asking again does not help."""


@dataclass(frozen=True, slots=True)
class HookStatus:
    """What the other side says of a call, in texts of one line that are short enough to be kept."""

    state: HookState
    detail: str = ""
    """Why it stands so, and where a person can look."""
    progress: str = ""
    """How far it is, in the other side's words."""
