"""One call of a function, with the objects that Microsoft's worker would pass and take back.

Inputs and outputs go through the converters of the `azure.functions` package itself, from and to the
datums that would cross the wire between host and worker.
"""

import asyncio
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import azure.functions as func

from local.hosting.function_index import RETURN, Binding, IndexedFunction

_local = threading.local()


@dataclass(frozen=True, slots=True)
class Invocation:
    """What fires a function: the trigger's datum, the metadata beside it, and the caller's trace, if any."""

    data: Any
    metadata: Mapping[str, Any] = field(default_factory=dict)
    trace_parent: str = ""


@dataclass(frozen=True, slots=True)
class Results:
    """What a function gave back: the datum of `$return` or None, and those of its other outputs."""

    returned: Any
    outputs: tuple[tuple[Binding, Any], ...]


@dataclass(frozen=True, slots=True)
class TraceContext:
    """The W3C trace context that the host passes on, with the worker's old names beside the new."""

    trace_parent: str
    trace_state: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def Traceparent(self) -> str:  # noqa: N802 - Microsoft's name
        """`00-{trace id}-{span id}-{flags}`."""
        return self.trace_parent

    @property
    def Tracestate(self) -> str:  # noqa: N802 - Microsoft's name
        """The vendor part; always empty here."""
        return self.trace_state

    @property
    def Attributes(self) -> Mapping[str, str]:  # noqa: N802 - Microsoft's name
        """Always empty here."""
        return self.attributes


@dataclass(frozen=True, slots=True)
class RetryContext:
    """The state of a retry policy; this host does not retry, so it always stands at the start."""

    retry_count: int = 0
    max_retry_count: int = 0
    exception: None = None


@dataclass(frozen=True, slots=True)
class InvocationContext:
    """What a function gets when it has a parameter `context`."""

    invocation_id: str
    function_name: str
    function_directory: str
    trace_context: TraceContext
    retry_context: RetryContext = RetryContext()
    thread_local_storage: threading.local = _local


class OutputParameter:
    """The value of an output binding, set by the function (`func.Out`)."""

    def __init__(self) -> None:
        self._value: Any = None

    def set(self, value: Any) -> None:
        """Keep the value; the last one wins."""
        self._value = value

    def get(self) -> Any:
        """Return the value, or None when none was set."""
        return self._value


def new_context(function: IndexedFunction, invocation: Invocation, directory: str) -> InvocationContext:
    """Make the context of one call, with a fresh id, and a fresh trace where the caller brought none."""
    trace = invocation.trace_parent or f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"
    return InvocationContext(str(uuid4()), function.name, directory, TraceContext(trace))


def call_function(function: IndexedFunction, invocation: Invocation, context: InvocationContext) -> Results:
    """Call the function in this thread. Raises what it raises, and `TypeError` for a result of a wrong type."""
    outputs = {each.name: OutputParameter() for each in function.outputs if each.name != RETURN}
    arguments: dict[str, Any] = dict(outputs)
    arguments[function.trigger.name] = _converter(function.trigger.kind).decode(
        invocation.data, trigger_metadata=invocation.metadata
    )
    if function.wants_context:
        arguments["context"] = context
    _local.invocation_id = context.invocation_id
    try:
        result = function.call(**arguments)
        if function.is_async:
            result = asyncio.run(result)
    finally:
        _local.invocation_id = None
    return Results(_encode_returned(function, result), _encode_outputs(function, outputs))


def _encode_outputs(
    function: IndexedFunction, outputs: Mapping[str, OutputParameter]
) -> tuple[tuple[Binding, Any], ...]:
    return tuple(
        (binding, _encode(binding, outputs[binding.name].get()))
        for binding in function.outputs
        if binding.name in outputs and outputs[binding.name].get() is not None
    )


def _encode_returned(function: IndexedFunction, result: Any) -> Any:
    binding = function.output(RETURN)
    if binding is not None:
        return _encode(binding, result) if result is not None or binding.kind == "http" else None
    if result is not None:
        raise RuntimeError(f"function {function.name} without a $return binding returned a value")
    return None


def _encode(binding: Binding, value: Any) -> Any:
    try:
        return _converter(binding.kind).encode(value, expected_type=type(value))
    except NotImplementedError as error:
        raise TypeError(f"a {binding.kind} output cannot be a {type(value).__name__}") from error


def _converter(kind: str) -> Any:
    return func.get_binding_registry().get(kind)
