"""Indexing sees the app as Azure's host would, and refuses what could not run there."""

from pathlib import Path

import azure.functions as func
import pytest

from local.host import FunctionsHost
from local.hosting.function_index import IndexingError, index_functions
from shared.adapters.sqlite.broker import SqliteBroker
from tests.functions import sample_host
from tests.functions.sample_app.function_app import app

SETTINGS = {"COMMANDS_QUEUE": "commands", "EVERY": "0 0 3 * * *"}


def an_app(register):
    app = func.FunctionApp()
    register(app)
    return app


def hosted(app, tmp_path: Path) -> FunctionsHost:
    broker = SqliteBroker(tmp_path / "queue.db", now=sample_host.utc_now)
    return FunctionsHost(app, settings={}, broker=broker, host_json=sample_host.FOLDER / "host.json", port=0)


def test_settings_are_filled_into_bindings():
    functions = {each.name: each for each in index_functions(app, SETTINGS)}

    assert functions["command"].trigger.options["queueName"] == "commands"
    assert functions["tick"].trigger.options["schedule"] == "0 0 3 * * *"


def test_a_missing_setting_is_named():
    with pytest.raises(IndexingError, match="COMMANDS_QUEUE"):
        index_functions(app, {"EVERY": "0 0 3 * * *"})


def test_a_binding_without_a_parameter_is_refused():
    def register(app):
        @app.timer_trigger(arg_name="timer", schedule="0 0 3 * * *")
        def tick(clock: func.TimerRequest) -> None: ...

    with pytest.raises(IndexingError, match=r"tick.*timer"):
        index_functions(an_app(register), {})


def test_a_parameter_without_a_binding_is_refused():
    def register(app):
        @app.timer_trigger(arg_name="timer", schedule="0 0 3 * * *")
        def tick(timer: func.TimerRequest, other: str) -> None: ...

    with pytest.raises(IndexingError, match=r"tick.*other"):
        index_functions(an_app(register), {})


def test_a_trigger_that_this_host_cannot_fire_is_refused():
    def register(app):
        @app.queue_trigger(arg_name="message", queue_name="q", connection="Storage")
        def read(message: func.QueueMessage) -> None: ...

    with pytest.raises(IndexingError, match=r"read.*queueTrigger"):
        index_functions(an_app(register), {})


@pytest.mark.parametrize("route", ["admin/things", "runtime/things", "things/{id:nonsense}"])
def test_a_route_that_azure_refuses_is_refused(route, tmp_path):
    def register(app):
        @app.route(route=route)
        def things(req: func.HttpRequest) -> func.HttpResponse: ...

    with pytest.raises(IndexingError, match="things"):
        hosted(an_app(register), tmp_path)


def test_two_functions_on_one_route_and_method_are_refused(tmp_path):
    def register(app):
        @app.route(route="things", methods=["GET"])
        def one(req: func.HttpRequest) -> func.HttpResponse: ...

        @app.route(route="Things", methods=["GET", "POST"])
        def other(req: func.HttpRequest) -> func.HttpResponse: ...

    with pytest.raises(IndexingError, match="one"):
        hosted(an_app(register), tmp_path)


@pytest.mark.parametrize("route", ["things/{id}", "things/{*rest}", "{kind}/list"])
def test_a_literal_route_that_an_earlier_name_hides_is_refused(route, tmp_path):
    def register(app):
        @app.route(route=route, methods=["GET"])
        def details(req: func.HttpRequest) -> func.HttpResponse: ...

        @app.route(route="things/list", methods=["GET"])
        def listing(req: func.HttpRequest) -> func.HttpResponse: ...

    with pytest.raises(IndexingError, match=r"listing: details, whose name comes first"):
        hosted(an_app(register), tmp_path)


def test_a_literal_route_whose_name_comes_first_is_asked_first(tmp_path):
    def register(app):
        @app.route(route="things/{id}", methods=["GET"])
        def details(req: func.HttpRequest) -> func.HttpResponse: ...

        @app.route(route="things/list", methods=["GET"])
        def all_of_them(req: func.HttpRequest) -> func.HttpResponse: ...

        @app.route(route="things/list", methods=["POST"])
        def put_one(req: func.HttpRequest) -> func.HttpResponse: ...

    hosted(an_app(register), tmp_path)


def test_a_schedule_that_azure_refuses_is_refused(tmp_path):
    def register(app):
        @app.timer_trigger(arg_name="timer", schedule="0 0 25 * * *")
        def tick(timer: func.TimerRequest) -> None: ...

    with pytest.raises(IndexingError, match=r"tick.*hour"):
        hosted(an_app(register), tmp_path)
