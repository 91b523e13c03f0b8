"""The clusters that may be called, as the operator lists them in one app setting."""

import base64
import json

import pytest

from shared.settings import KubernetesCluster, Settings, SettingsError

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
CA = base64.b64encode(PEM.encode()).decode()
SERVER = "https://shop-dns-1a2b3c.hcp.westeurope.azmk8s.io:443"


def read(entries, **others):
    text = entries if isinstance(entries, str) else json.dumps(entries)
    env = {"SLIPWAY_DATA": "x", "SLIPWAY_KUBERNETES_CLUSTERS": text, **others}
    return Settings.from_env(env).kubernetes_clusters


def test_without_the_setting_no_cluster_may_be_called():
    assert Settings.from_env({"SLIPWAY_DATA": "x"}).kubernetes_clusters == ()
    assert read(" ") == read([]) == ()


def test_a_server_its_authority_and_its_tokens_setting_are_read():
    entries = [{"server": SERVER, "ca": CA, "tokenSetting": "SLIPWAY_SECRET_AKS"}, {"server": "https://B.example/"}]

    assert read(entries) == (
        KubernetesCluster(server=SERVER, ca=PEM, token_setting="SLIPWAY_SECRET_AKS"),
        KubernetesCluster(server="https://b.example"),
    )


def test_plain_http_is_for_where_it_is_allowed():
    (found,) = read([{"server": "http://127.0.0.1:8001"}], SLIPWAY_ALLOW_HTTP="true")

    assert found.server == "http://127.0.0.1:8001"


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ("[", r"SLIPWAY_KUBERNETES_CLUSTERS is no JSON; allowed is \[\{"),
        ({"server": SERVER}, "is no list"),
        (["https://a.example"], r"SLIPWAY_KUBERNETES_CLUSTERS\[0\] is no object with server, ca, tokenSetting"),
        ([{"server": SERVER}, {}], r"\[1\]\.server must be https, a host"),
        ([{"server": "http://a.example"}], r"\[0\]\.server must be https, a host"),
        ([{"server": "https://a.example/path"}], "and nothing more"),
        ([{"server": "https://a.example?x=1"}], "and nothing more"),
        ([{"server": "https://a.example#x"}], "and nothing more"),
        ([{"server": "https://user@a.example"}], "and nothing more"),
        ([{"server": "https://a.example:port"}], "perhaps a port"),
        ([{"server": "a.example"}], "must be https"),
        ([{"server": 5}], r"\[0\]\.server is no text"),
        ([{"server": SERVER}, {"server": SERVER.upper().replace("HTTPS", "https")}], r"\[1\]\.server is named twice"),
        ([{"server": SERVER, "token": "x"}], "unknown member 'token'; allowed are server, ca, tokenSetting"),
        ([{"server": SERVER, "ca": PEM}], r"\[0\]\.ca must be the base64 of PEM"),
        ([{"server": SERVER, "ca": base64.b64encode(b"no").decode()}], "certificate-authority-data of a kubeconfig"),
        ([{"server": SERVER, "tokenSetting": "SLIPWAY_KEYS"}], "begins with SLIPWAY_SECRET_"),
        ([{"server": SERVER, "tokenSetting": ""}], "begins with SLIPWAY_SECRET_"),
    ],
    ids=str,
)
def test_a_mistake_is_told_with_its_place_and_the_fix(entries, says):
    with pytest.raises(SettingsError, match=says):
        read(entries)
