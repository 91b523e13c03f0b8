"""Indexing: which functions an app has, with their bindings as Azure's host would see them."""

import inspect
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import azure.functions as func

TRIGGERS = frozenset({"httpTrigger", "serviceBusTrigger", "eventGridTrigger", "timerTrigger"})
"""The triggers that this host can fire."""
OUTPUTS = frozenset({"http", "serviceBus"})
"""The output bindings that this host can carry out."""
RETURN = "$return"

_SETTING = re.compile(r"%([^%]+)%")


class IndexingError(ValueError):
    """The app cannot be hosted: the message names the function and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Binding:
    """One binding of a function; `options` are the host's own words, such as `queueName`."""

    kind: str
    name: str
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedFunction:
    """A function, what fires it and where its results go."""

    name: str
    trigger: Binding
    outputs: tuple[Binding, ...]
    call: Callable[..., Any]
    wants_context: bool

    @property
    def is_async(self) -> bool:
        """Whether the function is a coroutine, which runs on the worker's event loop."""
        return inspect.iscoroutinefunction(self.call)

    def output(self, name: str) -> Binding | None:
        """Return the output binding of that name, such as `$return`."""
        return next((each for each in self.outputs if each.name == name), None)


def index_functions(app: func.FunctionApp, settings: Mapping[str, str]) -> tuple[IndexedFunction, ...]:
    """Return the app's functions in the order in which they were declared.

    `%NAME%` in a binding is replaced by that setting. Raises `IndexingError` for a missing setting, a
    binding that this host does not know, and parameters that do not fit the bindings.
    """
    app.functions_bindings = {}  # else a second host of one app would find each name taken, by the first
    return tuple(_index(each, settings) for each in app.get_functions())


def of_kind(functions: Iterable[IndexedFunction], kind: str) -> Iterator[IndexedFunction]:
    """Yield the functions that this kind of trigger fires."""
    return (each for each in functions if each.trigger.kind == kind)


def _index(function: Any, settings: Mapping[str, str]) -> IndexedFunction:
    name = function.get_function_name()
    documents = [json.loads(text) for text in function.get_raw_bindings()]
    incoming = [_binding(name, each, settings) for each in documents if each["direction"] == "IN"]
    outgoing = [_binding(name, each, settings) for each in documents if each["direction"] == "OUT"]
    for binding in incoming:
        if binding.kind not in TRIGGERS:
            raise IndexingError(f"function {name}: {binding.kind} bindings are not supported here")
    for binding in outgoing:
        _check_output(name, binding)
    call = function.get_user_function()
    return IndexedFunction(
        name=name,
        trigger=incoming[0],
        outputs=tuple(outgoing),
        call=call,
        wants_context=_check_parameters(name, call, incoming + outgoing),
    )


def _binding(function: str, document: Mapping[str, Any], settings: Mapping[str, str]) -> Binding:
    def setting(found: re.Match[str]) -> str:
        if found[1] not in settings:
            raise IndexingError(f"function {function}: the setting {found[1]} is missing")
        return settings[found[1]]

    options = {
        key: _SETTING.sub(setting, value) if isinstance(value, str) else value
        for key, value in document.items()
        if key not in ("direction", "type", "name")
    }
    return Binding(document["type"], document["name"], options)


def _check_output(function: str, binding: Binding) -> None:
    if binding.kind not in OUTPUTS:
        raise IndexingError(f"function {function}: output binding {binding.kind} is not supported here")
    if binding.kind == "serviceBus" and "queueName" not in binding.options:
        raise IndexingError(f"function {function}: only queues can be an output here, not topics")


def _check_parameters(name: str, call: Callable[..., Any], bindings: Iterable[Binding]) -> bool:
    """Fail as the worker does when bindings and parameters differ; return whether `context` is asked for."""
    parameters = set(inspect.signature(call).parameters)
    bound = {each.name for each in bindings if each.name != RETURN}
    wants_context = "context" in parameters and "context" not in bound
    if missing := bound - parameters:
        raise IndexingError(f"function {name}: bound but no parameter: {', '.join(sorted(missing))}")
    if unbound := parameters - bound - ({"context"} if wants_context else set()):
        raise IndexingError(f"function {name}: parameters without a binding: {', '.join(sorted(unbound))}")
    return wants_context
