"""Indexes and calls every function of an app with Microsoft's own worker library, in a process of its own.

`python run_app.py APP_FOLDER` with the library on `PYTHONPATH` and, on standard input, JSON that says what
to call functions with where the defaults do not do: `{"name": {"method", "query", "params", "headers",
"body", "properties"}}`. Prints JSON: what was indexed, and for each function whether the call succeeded, what it
returned and what its outputs hold.
"""

import asyncio
import base64
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

PROTOCOL = Path(__file__).parent / "protocol"
TIMER = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": None, "IsPastDue": False}
EVENT = {
    "id": "e",
    "subject": "s",
    "eventType": "T",
    "eventTime": "2026-11-22T12:00:00Z",
    "data": {},
    "dataVersion": "1",
}
MESSAGE = {
    "MessageId": "m-1",
    "SessionId": "s-1",
    "DeliveryCount": 1,
    "SequenceNumber": 7,
    "LockToken": "token",
    "EnqueuedTimeUtc": "2026-11-22T12:00:00.000000Z",
}  # fmt: skip


def protocol_messages() -> SimpleNamespace:
    """Compile the protocol and return its message classes by their short names.

    A descriptor set instead of Python modules: those would be called `shared` and `identity`, and hide
    the app's own packages of these names.
    """
    from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, message_factory, timestamp_pb2

    with tempfile.TemporaryDirectory() as folder:
        compiled = Path(folder) / "protocol.binpb"
        sources = [path.relative_to(PROTOCOL).as_posix() for path in PROTOCOL.rglob("*.proto")]
        options = ["-I", str(PROTOCOL), "--include_imports", f"--descriptor_set_out={compiled}"]
        subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *options, *sources], check=True, timeout=60)
        files = descriptor_pb2.FileDescriptorSet.FromString(compiled.read_bytes()).file
    pool = descriptor_pool.Default()
    known = {duration_pb2.DESCRIPTOR.name, timestamp_pb2.DESCRIPTOR.name}
    own = [each for each in files if each.name not in known]
    for each in own:
        pool.Add(each)
    classes = message_factory.GetMessageClassesForFiles([each.name for each in own], pool)
    return SimpleNamespace(**{name.rpartition(".")[2]: each for name, each in classes.items()})


def typed(protos: Any, value: Any) -> Any:
    """Make a datum as the host does: text, bytes, or JSON of the rest."""
    match value:
        case str():
            return protos.TypedData(string=value)
        case bytes():
            return protos.TypedData(bytes=value)
        case _:
            return protos.TypedData(json=json.dumps(value))


def route_parameters(binding: dict[str, Any]) -> list[str]:
    """Return the names of the parameters in the binding's route."""
    return re.findall(r"\{\*{0,2}(\w+)", binding.get("route") or "")


def trigger_input(protos: Any, binding: dict[str, Any], call: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return the trigger's datum and its metadata."""
    body = call.get("body", "")
    match binding["type"]:
        case "httpTrigger":
            request = protos.RpcHttp(
                method=call.get("method") or (binding.get("methods") or ["GET"])[0],
                url=f"http://localhost/{binding.get('route') or ''}",
                headers=call.get("headers", {}),
                query=call.get("query", {}),
                params=call.get("params", dict.fromkeys(route_parameters(binding), "x")),
                body=protos.TypedData(bytes=body.encode()) if body else None,
            )
            return protos.TypedData(http=request), {}
        case "serviceBusTrigger":
            properties = call.get("properties", {})
            metadata = MESSAGE | {"ApplicationProperties": properties, "UserProperties": properties}
            return typed(protos, body), {name: typed(protos, value) for name, value in metadata.items()}
        case "eventGridTrigger":
            return typed(protos, json.loads(body) if body else EVENT), {}
        case "timerTrigger":
            return typed(protos, TIMER), {}
        case other:
            raise ValueError(f"no input is known for {other}")


def plain(data: Any) -> Any:
    """Turn a datum into JSON that a test can compare."""
    match data.WhichOneof("data"):
        case "http":
            return {
                "status": int(data.http.status_code),
                "headers": dict(data.http.headers),
                "body": base64.b64encode(data.http.body.bytes).decode(),
            }
        case "bytes":
            return base64.b64encode(data.bytes).decode()
        case None:
            return None
        case kind:
            return getattr(data, kind)


async def run(folder: Path, calls: dict[str, Any]) -> dict[str, Any]:
    """Initialise the worker with the app, then load and call each function."""
    import azure_functions_runtime as runtime

    protos = protocol_messages()
    runtime.start_threadpool_executor()

    def request(**content: Any) -> SimpleNamespace:
        message = protos.StreamingMessage(**content)
        return SimpleNamespace(request=message, properties={"host": "127.0.0.1", "protos": protos})

    init = protos.WorkerInitRequest(host_version="4", function_app_directory=str(folder))
    answer = await runtime.worker_init_request(request(worker_init_request=init))
    if answer.result.status != protos.StatusResult.Success:
        return {"indexed": False, "error": answer.result.exception.message}
    metadata = await runtime.functions_metadata_request(
        request(functions_metadata_request=protos.FunctionsMetadataRequest(function_app_directory=str(folder)))
    )
    results = {}
    for each in metadata.function_metadata_results:
        bindings = [json.loads(text) for text in each.raw_bindings]
        trigger = next(binding for binding in bindings if binding["direction"] == "IN")
        data, trigger_metadata = trigger_input(protos, trigger, calls.get(each.name, {}))
        invocation = protos.InvocationRequest(
            invocation_id=f"call-of-{each.name}",
            function_id=each.function_id,
            input_data=[protos.ParameterBinding(name=trigger["name"], data=data)],
            trigger_metadata=trigger_metadata,
        )
        answer = await runtime.invocation_request(request(invocation_request=invocation))
        results[each.name] = {
            "trigger": trigger["type"],
            "succeeded": answer.result.status == protos.StatusResult.Success,
            "error": answer.result.exception.message,
            "returned": plain(answer.return_value),
            "outputs": {output.name: plain(output.data) for output in answer.output_data},
        }
    return {"indexed": True, "functions": results}


if __name__ == "__main__":
    app_folder = Path(sys.argv[1]).resolve()
    sys.path.insert(0, str(app_folder))
    result = asyncio.run(run(app_folder, json.load(sys.stdin)))
    sys.stdout.write(f"{json.dumps(result)}\n")
