"""What the contract suites share: both backing stores, fresh for each test."""

import uuid
from collections.abc import Iterator

import pytest

from shared.adapters.azure_tables.patience import Patience
from shared.adapters.azure_tables.table import Table
from shared.adapters.sqlite.database import Database
from tests.azurite import Azurite, azurite

__all__ = ["azurite"]

QUICK = Patience(connect=1, read=5, pause=0.05, total=3)


@pytest.fixture
def database(tmp_path) -> Iterator[Database]:
    database = Database(tmp_path / "slipway.db")
    yield database
    database.close()


@pytest.fixture
def table(azurite: Azurite) -> Iterator[Table]:
    name = f"t{uuid.uuid4().hex}"
    table = Table.from_connection_string(azurite.connection_string, name=name, patience=QUICK)
    yield table
    table.close()


@pytest.fixture(params=["sqlite", "azure_tables"])
def backing(request: pytest.FixtureRequest) -> Database | Table:
    """One empty store; a contract test runs once on each kind."""
    return request.getfixturevalue("database" if request.param == "sqlite" else "table")


@pytest.fixture(params=["sqlite", "azure_tables", "memory"])
def twinned(request: pytest.FixtureRequest) -> Database | Table | None:
    """As `backing`, and None where the port's twin in memory is meant."""
    if request.param == "memory":
        return None
    return request.getfixturevalue("database" if request.param == "sqlite" else "table")
