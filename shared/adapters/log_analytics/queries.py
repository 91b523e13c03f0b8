"""The queries that ship with Slipway.

Each begins with a remark that names it, and declares what it is filled with by `let`, as literals. The rest is text of
our own. What a team asks for itself (`metrics.values`) gets the same declarations before it, and nothing behind it.
"""

from collections.abc import Iterator

from shared.adapters.log_analytics.arm_names import ArmNames, Side
from shared.adapters.log_analytics.kql_text import moment, span, string
from shared.adapters.log_analytics.tables import Table
from shared.domain.rollout.measuring import LogAnalyticsSource
from shared.ports.metrics_source import WindowQuestion

EDGES_MS = (5, 10, 25, 50, 75, 100, 150, 200, 250, 300, 400, 500, 750, 1000, 1500, 2000, 3000, 5000, 10000)
"""The upper ends of the response times that are counted apart, in milliseconds."""
NAMES_COLUMNS = ("Role", "Named", "Requests")
_MOST_NAMES = 200


def windows_query(question: WindowQuestion, source: LogAnalyticsSource, names: ArmNames, table: Table) -> str:
    """Return the query for both arms' counts and response times, one row for each window and arm.

    `Timed` counts what has a response time, `Busy` is the sum of these in ms, and `At<edge>` counts those of at most
    so many ms. `Lateness` is how many seconds after it happened a row was there to be read, for 95 % of them.
    """
    return "\n".join(
        (
            f"// slipway windows/1 {_kind(source, table)}",
            *_declarations(question, source, names),
            f"let is_named = (name: string, version: string) {{ {names.condition} }};",
            *_rows(table),
            f"| extend Named = {table.named(source.split_by)}",
            f"| extend Weight = toreal({table.weight}), Took = toreal({table.took})",
            f"| extend Failed = tolower(tostring({table.success})) in ('false', '0')",
            f"| extend Late = (ingestion_time() - {table.time}) / 1s",
            "| extend Arm = case(",
            f"    isnotempty(candidate) and is_named(Named, candidate), '{Side.CANDIDATE}',",
            f"    isnotempty(stable) and is_named(Named, stable), '{Side.STABLE}',",
            f"    isempty(stable), '{Side.STABLE}',",
            f"    isempty(candidate), '{Side.CANDIDATE}',",
            "    '')",
            "| summarize",
            "    Requests = sum(Weight),",
            "    Failures = sumif(Weight, Failed),",
            "    Timed = sumif(Weight, isnotnull(Took)),",
            "    Busy = sum(Took * Weight),",
            *(f"    At{edge} = sumif(Weight, Took <= {edge})," for edge in EDGES_MS),
            "    Lateness = percentile(Late, 95)",
            f"    by Start = bin_at({table.time}, length, since), Arm",
            "| extend Now = now()",
        )
    )


def names_query(question: WindowQuestion, source: LogAnalyticsSource, names: ArmNames, table: Table) -> str:
    """Return the query for what the rows of all roles are named by: `Role`, `Named` and how many `Requests`."""
    return "\n".join(
        (
            f"// slipway names/1 {_kind(source, table)}",
            *_declarations(question, source, names),
            f"{table.name}",
            f"| where {table.time} >= since and {table.time} < until",
            f"| extend Named = {table.named(source.split_by)}, Role = tostring({table.role})",
            f"| summarize Requests = sum(toreal({table.weight})) by Role, Named",
            f"| top {_MOST_NAMES} by Requests",
        )
    )


def value_query(question: WindowQuestion, source: LogAnalyticsSource, names: ArmNames, text: str) -> str:
    """Return a query of the team's own behind the declarations that it may use."""
    return "\n".join(("// slipway value/1", *_declarations(question, source, names), text))


def _kind(source: LogAnalyticsSource, table: Table) -> str:
    return f"table={table.name} split={source.split_by.value}"


def _declarations(question: WindowQuestion, source: LogAnalyticsSource, names: ArmNames) -> Iterator[str]:
    yield f"let since = {moment(question.since)};"
    yield f"let until = {moment(question.until)};"
    yield f"let length = {span(question.length)};"
    yield f"let candidate = {string(names.candidate)};"
    yield f"let stable = {string(names.stable)};"
    yield f"let role = {string(source.role)};"


def _rows(table: Table) -> Iterator[str]:
    yield table.name
    yield f"| where {table.time} >= since and {table.time} < until"
    yield f"| where isempty(role) or {table.role} =~ role"
