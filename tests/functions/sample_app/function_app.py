"""An app with one function of each kind that the host knows; only the host's tests use it.

What it was called with, and what it shall do, is kept in `calls` and `behaviour`.
"""

import json
import logging
import time

import azure.functions as func

from tests.functions.sample_app.journal import behaviour, calls

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
blueprint = func.Blueprint()


@app.route(route="things", methods=["GET", "POST"])
def echo(req: func.HttpRequest) -> func.HttpResponse:
    calls.add("echo", req)
    answer = {
        "method": req.method,
        "url": req.url,
        "params": dict(req.params),
        "headers": dict(req.headers),
        "body": req.get_body().decode("latin-1"),
    }
    return func.HttpResponse(json.dumps(answer), mimetype="application/json")


@app.route(route="things/{thing}", methods=["GET"])
def thing_by_name(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(f"thing {req.route_params['thing']}")


@app.route(route="things/special", methods=["GET"])
def special_thing(req: func.HttpRequest) -> str:
    return "special"


@app.route(route="numbers/{number:int}", methods=["GET", "HEAD"])
def number(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(f"number {req.route_params['number']}")


@app.route(route="files/{*path}")
def file(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(f"{req.method} {req.route_params.get('path')}")


@app.route(route="reply", methods=["GET"])
def reply(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse(
        "grüß".encode("latin-1"),
        status_code=418,
        headers={"X-Kind": "teapot"},
        mimetype="text/plain",
        charset="latin-1",
    )
    response.headers.add("Set-Cookie", "a=1; Path=/; HttpOnly")
    response.headers.add("Set-Cookie", "b=2")
    return response


@app.route(route="broken", methods=["GET"])
def broken(req: func.HttpRequest) -> func.HttpResponse:
    raise ValueError("a secret of the inside")


@app.route(route="empty", methods=["GET"])
def empty(req: func.HttpRequest) -> func.HttpResponse:
    return None


@app.route(route="locked", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
def locked(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("open")


@app.route(route="vault", methods=["GET"], auth_level=func.AuthLevel.ADMIN)
def vault(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("open")


@app.route(route="patient", methods=["GET"])
async def patient(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    return func.HttpResponse(f"{context.function_name} {context.trace_context.trace_parent}")


@app.route(route="slow", methods=["GET"])
def slow(req: func.HttpRequest) -> func.HttpResponse:
    calls.add("slow", req)
    behaviour.act("slow")
    return func.HttpResponse("done")


@app.route(route="pause/{seconds:int}", methods=["GET"])
def pause(req: func.HttpRequest) -> func.HttpResponse:
    time.sleep(int(req.route_params["seconds"]))
    return func.HttpResponse("done")


@app.route(route="send", methods=["POST"])
@app.service_bus_queue_output(arg_name="out", queue_name="plain", connection="ServiceBus")
def send(req: func.HttpRequest, out: func.Out[str]) -> func.HttpResponse:
    out.set(req.get_body().decode())
    return func.HttpResponse(status_code=202)


@blueprint.service_bus_queue_trigger(
    arg_name="message", queue_name="%COMMANDS_QUEUE%", connection="ServiceBus", is_sessions_enabled=True
)
def command(message: func.ServiceBusMessage) -> None:
    logging.info("command %s", message.message_id)
    calls.add("command", message)
    behaviour.act("command", message.get_body())


@blueprint.service_bus_queue_trigger(arg_name="message", queue_name="plain", connection="ServiceBus")
def plain(message: func.ServiceBusMessage) -> None:
    calls.add("plain", message)
    behaviour.act("plain", message.get_body())


@blueprint.event_grid_trigger(arg_name="event")
def happened(event: func.EventGridEvent) -> None:
    calls.add("happened", event)
    behaviour.act("happened")


@blueprint.timer_trigger(arg_name="timer", schedule="%EVERY%", run_on_startup=False, use_monitor=True)
def tick(timer: func.TimerRequest) -> None:
    calls.add("tick", timer)
    behaviour.act("tick")


app.register_functions(blueprint)
