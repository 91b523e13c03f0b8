"""Runs functions in the worker threads and sends what their Service Bus output bindings hold."""

import logging
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from time import perf_counter
from typing import Any

from local.hosting.function_index import RETURN, Binding, IndexedFunction
from local.hosting.invocation import Invocation, Results, call_function, new_context
from local.hosting.worker_threads import WorkerThreads
from shared.domain.errors import SlipwayError

logger = logging.getLogger(__name__)

SendMessage = Callable[[str, bytes], None]
"""Puts a body into the queue of that name."""


class FunctionRunner:
    """Calls functions, as many at once as there are worker threads."""

    def __init__(self, threads: WorkerThreads, send: SendMessage, directory: str) -> None:
        self._threads = threads
        self._send = send
        self._directory = directory

    def start(self, function: IndexedFunction, invocation: Invocation) -> "Future[Any]":
        """Queue a call. The future holds the datum of `$return`, or what the function or an output raised."""
        return self._threads.submit(partial(self._run, function, invocation))

    def _run(self, function: IndexedFunction, invocation: Invocation) -> Any:
        context = new_context(function, invocation, self._directory)
        begun = perf_counter()
        try:
            results = call_function(function, invocation, context)
            self._send_outputs(function, results)
        except SlipwayError as error:
            # It says what is wrong and what to do; where it was raised adds nothing to that.
            logger.error("Function %s failed (id %s): %s", function.name, context.invocation_id, error)
            raise
        except Exception:
            logger.exception("Function %s failed (id %s)", function.name, context.invocation_id)
            raise
        duration = (perf_counter() - begun) * 1000
        logger.info("Function %s took %.0f ms (id %s)", function.name, duration, context.invocation_id)
        return results.returned

    def _send_outputs(self, function: IndexedFunction, results: Results) -> None:
        returned = function.output(RETURN)
        if returned is not None and results.returned is not None:
            self._send_output(returned, results.returned)
        for binding, datum in results.outputs:
            self._send_output(binding, datum)

    def _send_output(self, binding: Binding, datum: Any) -> None:
        if binding.kind == "serviceBus":
            self._send(binding.options["queueName"], _body(datum))


def _body(datum: Any) -> bytes:
    return datum.value if isinstance(datum.value, bytes) else str(datum.value).encode()
