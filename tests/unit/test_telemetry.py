"""What may stand in our logs."""

import logging

import pytest

from shared.settings import Settings
from shared.telemetry import CleanRecords, keep_logs_clean

KEY = "an-operators-key-0123456789"
SOURCE_KEY = "an-alert-sources-key-0123456789"
TOKEN = "a-bearer-token-0123456789"
STORAGE = "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=c2VjcmV0LXNlY3JldA==;EndpointSuffix=x"
SETTINGS = Settings.from_env(
    {
        "SLIPWAY_DATA": "/nowhere",
        "SLIPWAY_KEYS": f"alice={KEY}",
        "SLIPWAY_SOURCE_KEYS": f"azure-monitor={SOURCE_KEY}",
        "SLIPWAY_ACCESS_TOKEN": TOKEN,
        "SLIPWAY_TABLES_CONNECTION": STORAGE,
    }
)


@pytest.fixture(autouse=True)
def clean_logs():
    made, level = logging.getLogRecordFactory(), logging.getLogger("azure").level
    keep_logs_clean(SETTINGS)
    yield
    logging.setLogRecordFactory(made)
    logging.getLogger("azure").setLevel(level)


@pytest.mark.parametrize("name", ["slipway.http", "azure.core", "somebody.elses", "root"])
@pytest.mark.parametrize("secret", [KEY, SOURCE_KEY, TOKEN, STORAGE])
def test_a_secret_of_the_settings_is_in_no_message_of_any_logger(caplog, name, secret):
    logging.getLogger(name).warning("the key %s and again %r", secret, [secret])

    assert secret not in caplog.text
    assert caplog.messages == ["the key *** and again ['***']"]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("POST /api/events/azure-monitor?code=abc&x=1", "POST /api/events/azure-monitor?code=***&x=1"),
        ("https://x.blob.example/c?sv=1&sig=a%2Fb%3D", "https://x.blob.example/c?sv=1&sig=***"),
        ("Authorization: Bearer eyJ0.abc.def", "Authorization: Bearer ***"),
        ("{'X-API-Key': 'wrong-key'}", "{'X-API-Key': '***'}"),
        ("Endpoint=sb://n/;SharedAccessKey=abc=;Entity=q", "Endpoint=sb://n/;SharedAccessKey=***;Entity=q"),
        ("exit code=1 is no secret", "exit code=1 is no secret"),
        ("a wake-up of application:shop", "a wake-up of application:shop"),
    ],
)
def test_what_looks_like_a_key_is_hidden_and_nothing_else(caplog, said, kept):
    logging.getLogger("any").warning(said)

    assert caplog.messages == [kept]


def test_a_traceback_holds_no_secret_either(caplog):
    try:
        raise ValueError(f"cannot use {KEY}")
    except ValueError:
        logging.getLogger("any").exception("it failed")

    assert KEY not in caplog.text
    assert "ValueError: cannot use ***" in caplog.text


def test_a_message_of_ours_is_one_line_whatever_a_caller_sent(caplog):
    logging.getLogger("slipway.http").warning("PUT %s", "x\r\n2026 ERROR forged\u2028line")
    logging.getLogger("other").warning("two\nlines")

    assert caplog.messages == ["PUT x 2026 ERROR forged line", "two\nlines"]


def test_azures_sdks_are_heard_from_warnings_on(caplog):
    caplog.set_level(logging.INFO)

    logging.getLogger("azure.core.pipeline.policies.http_logging_policy").info("Request URL: ...")
    logging.getLogger("azure.identity").warning("no identity")

    assert caplog.messages == ["no identity"]


def test_a_message_that_does_not_fit_its_arguments_is_left_to_logging():
    record = logging.getLogger("any").makeRecord("any", logging.INFO, "f", 1, "%d things", ("three",), None)

    assert record.args == ("three",)


def test_asking_twice_changes_nothing():
    keep_logs_clean(SETTINGS)

    made = logging.getLogRecordFactory()
    assert isinstance(made, CleanRecords)
    assert not isinstance(made.below, CleanRecords)
