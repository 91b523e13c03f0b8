"""Addresses that sources of metrics may have: https, and no secret in them."""

import pytest

from shared.wire.web_addresses import parse_page_address, parse_server_address, parse_source_address, parse_web_address

PAGE = "https://stats.example.org/{version}?since={since}&until={until}&for={seconds}"


@pytest.mark.parametrize(
    "url",
    [
        "https://prometheus.example.org/prefix",
        "https://prometheus_1.example.org.:9090",
        "https://xn--exmple-cua.org",
        "https://10.0.0.7:9090",
        "https://[fd00::7]:9090",
        "http://localhost:9090",
        "http://[::1]:9090/",
    ],
)
def test_a_server_is_asked_over_https_or_on_this_machine(url):
    assert parse_server_address(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://prometheus.example.org",
        "ftp://prometheus.example.org",
        "https://",
        "https://user:s3cret@prometheus.example.org",
        "https://s3cret@prometheus.example.org",
        "https://prometheus.example.org/?token=s3cret",
        "https://prometheus.example.org/?tenant=s3cret",
        "https://prometheus.example.org/#s3cret",
        "https://prometheus.example.org/s3cret?",
        "https://prometheus.example.org/s3cret#",
    ],
)
def test_another_address_is_no_servers_and_is_not_repeated(url):
    with pytest.raises(ValueError, match="allowed is") as error:
        parse_server_address(url)
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.org/a\n",
        "https://hooks.example.org/a\r\nX-Slipway: 1",
        "https://hooks.exa\tmple.org/",
        " https://hooks.example.org/",
        "https://hooks.example.org/\x00",
        "https://hooks.example.org/a b",
        "https://hooks.example.org/ö",
        "https://hooks.exämple.org/",
        "https://hooks\u3002example.org/",
        "https://hoo\u212as.example.org/",
    ],
)
def test_an_address_stands_as_it_is_sent(url):
    with pytest.raises(ValueError, match="visible ASCII characters"):
        parse_web_address(url)


@pytest.mark.parametrize(
    "host",
    [
        "a..b",
        ".a",
        "-a.b",
        "a.b-",
        "a\\.b",
        "a%2fb",
        "a%0d%0ab",
        "a,b",
        "a;b",
        '"a"',
        "a|b",
        "a:0",
        "a:99999",
        "a:b",
        "[::1]x",
        "[fe80::1%25eth0]",
        "[a",
        "l" * 64,
        ".".join(["l" * 63] * 4),
    ],
)
def test_a_host_that_no_name_service_could_know_is_refused(host):
    with pytest.raises(ValueError, match="allowed is"):
        parse_web_address(f"https://{host}/")


@pytest.mark.parametrize(
    "name",
    ["token", "code", "Key", "api_key", "API-Key", "x-api-key", "access_token", "sig", "password", "client_secret"],
)
def test_a_key_in_the_query_is_refused_with_where_it_belongs(name):
    with pytest.raises(ValueError, match=r"without a secret .* secretSetting") as error:
        parse_source_address(f"https://stats.example.org/?app=shop&{name}=s3cret")
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize("name", ["app", "keyboard", "barcode", "monkey", "design"])
def test_a_name_that_only_sounds_like_a_key_is_taken(name):
    assert parse_source_address(f"https://stats.example.org/?{name}=1")


@pytest.mark.parametrize("url", [PAGE, "http://127.0.0.1:8080/?v={version}&t={until}"])
def test_a_page_is_asked_for_one_version_in_one_window(url):
    assert parse_page_address(url) == url


@pytest.mark.parametrize(
    ("url", "trouble"),
    [
        (PAGE.replace("{version}", "all"), "with {version} in it"),
        ("https://stats.example.org/{version}?for={seconds}", "with {since} or {until} in it"),
        (f"{PAGE}&x={{slot}}", "allowed in braces are {version}, {since}, {until} and {seconds}"),
        (f"{PAGE}&x={{", "allowed in braces are"),
        (f"{PAGE}&x={{}}", "allowed in braces are"),
        (PAGE.replace("stats.", "{version}."), "allowed is a host's name of letters"),
        (PAGE.replace("https", "http"), "allowed is https"),
        ("https://stats.example.org/{version}#{since}", "without #"),
    ],
)
def test_a_page_that_would_answer_the_same_to_everything_is_refused(url, trouble):
    with pytest.raises(ValueError, match=trouble):
        parse_page_address(url)
