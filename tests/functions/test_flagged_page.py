"""The shop's page behind a flag, as its own process: it shows what the real app evaluates, and tells what users met."""

import json
import os
import re
import time
from http.client import HTTPConnection
from pathlib import Path
from unittest.mock import patch
from urllib.parse import urlencode, urlsplit

import pytest

from local.interruption import Interruption
from local.shop.checkout_flag import WINDOW_SECONDS
from local.stack import ready_words, running_process
from local.story.differs import StoryDiffersError
from local.story.visitors import PageSeen, read_page, visiting
from tests.functions.api_client import ROOT, SENDERS_KEY, eventually, running_api
from tests.functions.flags_in_use import EVALUATION_KEY, SETTINGS, save

SHOP = ROOT / "local" / "shop"
SPLIT = {"split": {"shares": [{"variant": "new", "percent": 40}, {"variant": "old", "percent": 60}]}}
FLAG = {
    "key": "checkout",
    "type": "string",
    "variants": {"old": "old", "new": "new", "bold": "bold"},
    "off": "old",
    "default": SPLIT,
    "targets": [{"variant": "bold", "values": ["bea"]}],
}


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    with patch.dict("os.environ", SETTINGS), running_api(tmp_path_factory.mktemp("page"), driven=True) as api:
        save(api, FLAG)
        spec = (SHOP / "flagged.yaml").read_bytes()
        kept = api.ask("PUT", "/api/applications/shop-page", spec, {"Content-Type": "application/yaml"})
        assert kept.status == 201, kept.body
        yield api


@pytest.fixture(scope="module")
def page(api, tmp_path_factory):
    with serving(api, tmp_path_factory.mktemp("log") / "page.log", EVALUATION_KEY) as url:
        yield url


class serving:  # noqa: N801 - reads as the context manager that it is
    """The page as a process, with one key for flags; `bold` loses every checkout."""

    def __init__(self, api, log: Path, key: str) -> None:
        env = {**os.environ, "SHOP_FLAG_KEY": key, "SHOP_OBSERVATIONS_KEY": SENDERS_KEY}
        options = ("--slipway", api.url, "--loses", "bold=1")
        self._log = log
        self._running = running_process("local.shop.flagged_page", log, *options, env=env)

    def __enter__(self) -> str:
        words = ready_words(self._running.__enter__(), "the page", self._log, Interruption())
        return f"http://127.0.0.1:{json.loads(words)['port']}"

    def __exit__(self, *error: object) -> None:
        self._running.__exit__(*error)


def ask(url, method, path, cookie="", **form):
    connection = HTTPConnection(urlsplit(url).netloc, timeout=10)
    headers = {"Cookie": cookie} if cookie else {}
    if form:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        connection.request(method, path, urlencode(form) if form else None, headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()
    finally:
        connection.close()


def test_a_visitor_is_shown_the_variant_that_the_flag_has_for_them_and_the_page_looks_like_it(page):
    _, _, html = ask(page, "GET", "/", "visitor=bea")

    assert read_page(html) == PageSeen("bold", "TARGETING_MATCH")
    assert "<span>checkout: bold</span>" in html
    assert re.search(r"<form method=\"post\" action=\"/checkout\".*BUY! BUY! BUY!</button></form>", html)
    assert '<input type="hidden" name="variant" value="bold">' in html


def test_the_page_shows_each_visitor_what_the_app_evaluates_whenever_they_come(api, page):
    visitors = [f"visitor-{number}" for number in range(200)]
    with visiting(page) as crowd:
        shown, again = crowd.look(visitors).result(30), crowd.look(visitors).result(30)

    evaluated = {
        visitor: api.ask(
            "POST", "/ofrep/v1/evaluate/flags/checkout", {"context": {"targetingKey": visitor}}, key=EVALUATION_KEY
        ).json()["variant"]
        for visitor in visitors
    }
    assert shown == again == evaluated
    assert 50 < sum(variant == "new" for variant in shown.values()) < 110


def test_who_comes_without_a_cookie_is_given_one_and_who_has_one_keeps_it(page):
    _, headers, _ = ask(page, "GET", "/")
    given = re.match(r"visitor=[0-9a-f]{16}; HttpOnly; Path=/; SameSite=Lax$", headers["Set-Cookie"])
    assert given
    _, headers, _ = ask(page, "GET", "/", given[0].partition(";")[0])
    assert "Set-Cookie" not in headers


def test_a_checkout_counts_for_the_variant_that_was_shown_and_a_form_without_one_for_none(page):
    assert ask(page, "POST", "/checkout", "visitor=bea", variant="bold")[0] == 500
    assert ask(page, "POST", "/checkout", "visitor=ann", variant="new")[0] == 200
    assert ask(page, "POST", "/checkout", "visitor=ann", variant="<b>")[0] == 400


def test_the_page_tells_slipway_of_each_window_what_visitors_met(api, page):
    window = int(time.time()) // WINDOW_SECONDS * WINDOW_SECONDS
    ask(page, "GET", "/", "visitor=bea")
    report = {"flag": "checkout", "window": window, "seconds": WINDOW_SECONDS, "sender": "shop-page"}
    variants = {name: {"requests": 0, "failures": 0} for name in FLAG["variants"]}

    time.sleep(max(0.0, window + WINDOW_SECONDS + 4 - time.time()))
    told_again = api.ask("POST", "/api/flags/events", {**report, "variants": variants}, key=SENDERS_KEY).json()
    assert (told_again["accepted"], told_again["repeated"]) == (0, len(variants))


def test_new_visitors_are_counted_by_what_they_were_shown_and_lost(page):
    with visiting(page) as crowd:
        crowd.come(100)
        eventually(lambda: crowd.load().answered > 100)
        crowd.stop()
        load, served = crowd.load(), crowd.served()

    assert (load.lost, load.in_flight, crowd.trouble) == (0, 0, "")
    assert set(load.requests) == {"old", "new"}
    assert {variant: met.requests for variant, met in served.items()} == load.requests
    assert crowd.came_last("new") > 0
    assert crowd.came_last("bold") is None


def test_a_page_that_may_not_ask_for_the_flag_shows_its_fallback_and_that_counts_as_lost(api, tmp_path):
    with serving(api, tmp_path / "page.log", "a-key-that-nobody-gave-0123456789") as url, visiting(url) as crowd:
        _, _, html = ask(url, "GET", "/", "visitor=bea")
        assert "<span>checkout: old</span>" in html
        assert 'data-variant="" data-reason="ERROR"' in html

        with pytest.raises(StoryDiffersError, match="should show a variant of the flag"):
            crowd.look(["ann"]).result(10)
        crowd.come(50)
        eventually(lambda: crowd.load().lost > 5)
        assert crowd.served() == {}
        assert "should show a variant" in crowd.trouble
