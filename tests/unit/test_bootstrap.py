"""The composition root builds what is used, when it is used."""

import subprocess
import sys
from typing import get_args

import pytest

from shared.bootstrap import metrics_sources
from shared.domain.rollout.measuring import AzureMonitorSource, ObservationsSource, Source
from shared.settings import Settings
from tests.sandbox_sdk import AnyToken

SETTINGS = Settings.from_env({"SLIPWAY_DATA": "x"})
PUSHED = ObservationsSource


def test_every_kind_of_source_that_is_asked_can_be_read():
    sources = metrics_sources(SETTINGS, {}, AnyToken())

    assert {*sources, PUSHED} == set(get_args(Source))
    assert len({type(sources[kind]) for kind in sources}) == len(sources) == 4


def test_a_source_is_built_once_and_an_unknown_one_is_not_there():
    sources = metrics_sources(SETTINGS, {}, AnyToken())

    assert sources[AzureMonitorSource] is sources[AzureMonitorSource]
    with pytest.raises(KeyError):
        sources[PUSHED]


def test_no_source_is_imported_before_it_is_asked_for():
    code = """
import sys
from shared.bootstrap import metrics_sources
from shared.settings import Settings
sources = metrics_sources(Settings.from_env({"SLIPWAY_DATA": "x"}), {}, None)
list(sources)
print([name for name in sys.modules if "azure.monitor" in name or "log_analytics" in name or "azure_monitor." in name])
"""

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert said.stdout.strip() in ("[]", "")
