"""Texts that stand inside documents and settings: quantities, times, names of resources, addresses, queries."""

from datetime import timedelta

from shared.adapters.prometheus.selector import parse_selector as parse_series
from shared.domain.cron import parse_cron
from shared.domain.errors import InvalidError, RejectedError
from shared.wire.container_app_id import parse_container_app_id
from shared.wire.durations import format_duration, parse_duration, parse_duration_or_none
from shared.wire.hook_views import host_of
from shared.wire.job_id import parse_job_id
from shared.wire.objectives import parse_multiple, parse_objective, parse_quantile
from shared.wire.peers.promql import ratio_in, read_query
from shared.wire.peers.readings import parse_go_duration
from shared.wire.plan_questions import parse_planned_time
from shared.wire.profile_id import parse_profile_id
from shared.wire.quantities import (
    parse_chance,
    parse_deviation,
    parse_fraction,
    parse_hold_back,
    parse_milliseconds,
    parse_share,
    parse_weight,
)
from shared.wire.query_text import Language, parse_query, parse_selector
from shared.wire.resource_id import parse_resource_id
from shared.wire.resources import normal_resource, resource_group
from shared.wire.route_url import is_server_url, parse_route_url
from shared.wire.site_id import parse_site_id
from shared.wire.time_zones import parse_time_zone
from shared.wire.timestamps import parse_american_time, parse_time
from shared.wire.tolerance_words import SlackUnit, format_tolerance, parse_tolerance
from shared.wire.web_addresses import parse_page_address, parse_server_address, parse_source_address, parse_web_address
from shared.wire.yaml_source import resolve
from tests.fuzz.parser import Form, Parser, all_of, of_scalar, of_text
from tests.fuzz.seeds import given
from tests.unit.domain.specs import NOON

OWN = (ValueError,)
SITE = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers"
TOLERANCES = {
    SlackUnit.POINTS: "0.05 points",
    SlackUnit.TIME: "20ms",
    SlackUnit.NUMBER: "3",
    SlackUnit.OF_TAIL: "5% of the tail",
}


def _quantile(value: object) -> float:
    """The schema takes only texts for quantiles."""
    if not isinstance(value, str):
        raise ValueError("no text")
    return parse_quantile(value)


def _tolerances(text: str) -> object:
    """Each tolerance that the words can be comes out of its own words again."""
    found = []
    for unit in SlackUnit:
        try:
            tolerance = parse_tolerance(text, unit)
        except ValueError:
            continue
        assert parse_tolerance(format_tolerance(tolerance, unit), unit) == tolerance
        found.append(tolerance)
    if not found:
        raise ValueError("of no unit")
    return tuple(found)


def _duration(text: str) -> timedelta:
    duration = parse_duration_or_none(text)
    if duration:
        assert parse_duration(format_duration(duration)) == duration
    return duration


def _cron(text: str) -> object:
    """A schedule that is taken can be asked when it begins."""
    cron = parse_cron(text)
    latest = cron.latest(NOON.replace(tzinfo=None), timedelta(days=40))
    return (
        cron,
        latest,
        next(iter(cron.starts(NOON.replace(tzinfo=None), NOON.replace(tzinfo=None) + timedelta(days=3))), None),
    )


def _query(text: str) -> object:
    query = read_query(text)
    return query, ratio_in(query)


def _resource(text: str) -> object:
    """Ids of resources of every kind; and what is compared of them."""
    normal_resource(text), resource_group(text)
    return all_of(
        parse_resource_id,
        parse_site_id,
        parse_container_app_id,
        parse_job_id,
        parse_profile_id,
        parse_route_url,
        refuses=(RejectedError,),
    )(text)


def _address(text: str) -> object:
    """Addresses that may be called; where one is taken, its host can be told."""
    taken = all_of(parse_web_address, parse_source_address, parse_server_address, parse_page_address)(text)
    host_of(text)
    is_server_url(text)
    return taken


TEXTS = (
    Parser(
        name="quantities",
        refuses=(ValueError, InvalidError),
        read=of_scalar(
            all_of(
                parse_weight,
                parse_share,
                parse_hold_back,
                parse_fraction,
                parse_chance,
                parse_deviation,
                parse_milliseconds,
                parse_objective,
                parse_multiple,
                _quantile,
            )
        ),
        seeds=given(5, 12.5, "5%", "0.02", "2%", "200ms", "1.5s", "99.9%", "2x", "p99.9", 0.999),
    ),
    Parser(
        name="tolerances",
        form=Form.TEXT,
        read=of_text(_tolerances),
        refuses=OWN,
        seeds=given("no tolerance", *(f"no worse than 25 % relative plus {each}" for each in TOLERANCES.values())),
    ),
    Parser(
        name="durations",
        form=Form.TEXT,
        read=of_text(_duration),
        refuses=OWN,
        seeds=given("90s", "PT1H30M", "7d", "0s", "1h30m", "P1DT1S"),
    ),
    Parser(
        name="go-durations",
        form=Form.TEXT,
        read=of_text(parse_go_duration),
        refuses=OWN,
        seeds=given("1m30s", "1.5h", "100ms", "1µs"),
    ),
    Parser(
        name="times",
        form=Form.TEXT,
        refuses=OWN,
        read=of_text(
            all_of(
                parse_time, lambda text: parse_time(text, zone_required=False), parse_american_time, parse_planned_time
            )
        ),
        seeds=given(
            "2026-11-23T12:00:00.1234567Z", "2026-11-23T12:00:00+01:00", "3/22/2019 1:36:31 PM", "2026-11-23t12:00:00z"
        ),
    ),
    Parser(
        name="time-zones",
        form=Form.TEXT,
        read=of_text(parse_time_zone),
        refuses=OWN,
        seeds=given("Europe/Berlin", "UTC", "Etc/GMT+12"),
    ),
    Parser(
        name="cron",
        form=Form.TEXT,
        read=of_text(_cron),
        refuses=OWN,
        seeds=given("0 9 * * mon-fri", "*/15 8-18/2 1,15 jan-mar 7", "0 0 29 2 *"),
    ),
    Parser(
        name="resources",
        form=Form.TEXT,
        read=of_text(_resource),
        refuses=(RejectedError,),
        seeds=given(
            f"{SITE}/Microsoft.Web/sites/shop",
            f"{SITE}/Microsoft.App/containerApps/shop",
            f"{SITE}/Microsoft.App/jobs/migrate",
            f"{SITE}/Microsoft.Network/trafficManagerProfiles/shop",
            "https://shop.example:6443/apis/gateway.networking.k8s.io/v1/namespaces/prod/httproutes/shop",
        ),
    ),
    Parser(
        name="web-addresses",
        form=Form.TEXT,
        read=of_text(_address),
        refuses=OWN,
        seeds=given(
            "https://hooks.example.org/ops?a=b",
            "http://127.0.0.1:8080/",
            "https://[::1]:8443",
            "https://x.example/{version}?since={since}",
        ),
    ),
    Parser(
        name="queries",
        form=Form.TEXT,
        refuses=OWN,
        read=of_text(
            all_of(
                *(lambda text, language=language: parse_query(text, language) for language in Language),
                parse_selector,
                parse_series,
            )
        ),
        seeds=given(
            'http_requests_total{app="shop",code=~"5..",x!~`a`}',
            "AppRequests | where Name == 'a' // x\n| count",
            '{__name__="a"}',
            '"\\U0001F600"',
        ),
    ),
    Parser(
        name="promql",
        form=Form.TEXT,
        read=of_text(_query),
        refuses=OWN,
        seeds=given(
            'sum(rate(hits_total{app="shop",code!~"5.."}[1m])) / sum(rate(hits_total{app="shop"}[1m])) * 100',
            'histogram_quantile(0.99, sum(rate(latency_bucket{app="shop"}[5m])) by (le))',
            "1 - (a / b) # x\n",
        ),
    ),
    Parser(
        name="yaml-words",
        form=Form.TEXT,
        read=of_text(resolve),
        refuses=OWN,
        seeds=given("on", "0o17", "0x1f", "1e3", "-.5", "~", ".inf"),
    ),
)
