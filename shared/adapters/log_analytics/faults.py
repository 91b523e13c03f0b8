"""What is wrong with the settings of a Log Analytics source, each in one sentence that names the field."""

from collections.abc import Callable, Iterator, Sequence

from shared.adapters.log_analytics.arm_names import ArmNames, Side
from shared.adapters.log_analytics.logs_reader import LogsReader, Row
from shared.adapters.log_analytics.tables import Table
from shared.adapters.log_analytics.values import read_value
from shared.calls.azure_errors import is_bad_request
from shared.domain.errors import RejectedError
from shared.domain.rollout.measuring import LogAnalyticsSource, SplitBy, ValueQuery

_MOST_NAMED = 10
_WHERE = {
    SplitBy.VERSION: "application version",
    SplitBy.ROLE: "role name",
    SplitBy.REVISION: "custom dimension revision",
    SplitBy.PLACE: "role name",
}


def faults_of_table(table: Table, refusal: RejectedError) -> tuple[str, ...]:
    """Return the fault that a refused query tells of: a table or column that is not there. Raises what is no fault."""
    if not is_bad_request(refusal):
        raise refusal
    return (f"metrics.source.signal: {table.name} cannot be asked: {refusal}",)


def faults_of_names(source: LogAnalyticsSource, names: ArmNames, rows: Sequence[Row]) -> Iterator[str]:
    """Yield what is wrong with the filter by role and with the split, by what rows of this time are named."""
    ours = [row for row in rows if not source.role or str(row["Role"]).lower() == source.role.lower()]
    if rows and not ours:
        roles = _some({str(row["Role"]) for row in rows})
        yield f"metrics.source.role: no row is of role {source.role}; there are {roles}"
        return
    named = {str(row["Named"]) for row in ours if row["Named"]}
    if ours and not named:
        yield f"metrics.source.splitBy: no row says its {_WHERE[source.split_by]}"
    elif named and names.stable and not any(names.side_of(name) is Side.STABLE for name in named):
        where = f"{_WHERE[source.split_by]} {names.stable}"
        yield f"metrics.source.splitBy: no row has the {where}; there are {_some(named)}"


def faults_of_values(
    reader: LogsReader, names: ArmNames, values: Sequence[ValueQuery], compile_: Callable[[str], str]
) -> Iterator[str]:
    """Yield each query of the team's own that the service does not take, or that brings other columns."""
    for query in values:
        try:
            read_value(reader, names, query, compile_)
        except RejectedError as error:
            if error.__cause__ is not None and not is_bad_request(error):
                raise
            yield str(error)


def _some(names: set[str]) -> str:
    known = sorted(name or "(none)" for name in names)
    more = f" and {len(known) - _MOST_NAMED} more" if len(known) > _MOST_NAMED else ""
    return ", ".join(known[:_MOST_NAMED]) + more
