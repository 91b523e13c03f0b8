"""Release windows in a release spec: read, rendered and stored; what could not be kept is refused."""

import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.domain.cron import parse_cron
from shared.domain.errors import RejectedError
from shared.domain.names import ApplicationName
from shared.domain.rollout.calendar import Once, Recurring, ReleaseAction, ReleaseWindow, WindowKind
from shared.domain.rollout.state import Application
from shared.wire.documents import Envelope, read_envelope, write_envelope
from shared.wire.spec import parse_spec
from shared.wire.spec_rendering import render_spec
from shared.wire.time_zones import parse_time_zone, time_zone
from tests.unit.wire.spec_documents import body_of, changed, refused

ROOT = Path(__file__).parents[3]
OFFICE: dict[str, Any] = {"name": "office", "allow": "0 9 * * mon-fri", "for": "8h"}
FREEZE: dict[str, Any] = {"name": "freeze", "deny": {"from": "2026-11-27", "until": "2026-12-01T08:30"}}


def read(*windows: dict[str, Any]) -> tuple[ReleaseWindow, ...]:
    return parse_spec(body_of(changed("releaseWindows", list(windows)))).calendar


def test_a_spec_names_windows_of_a_schedule_and_of_one_time():
    office = OFFICE | {"timeZone": "Europe/Berlin", "actions": ["promote", "start"]}

    assert read(office, FREEZE) == (
        ReleaseWindow(
            name="office",
            kind=WindowKind.ALLOW,
            times=Recurring(parse_cron("0 9 * * mon-fri"), timedelta(hours=8)),
            zone=parse_time_zone("Europe/Berlin"),
            actions=(ReleaseAction.PROMOTE, ReleaseAction.START),
        ),
        ReleaseWindow(
            name="freeze",
            kind=WindowKind.DENY,
            times=Once(datetime.fromisoformat("2026-11-27T00:00:00"), datetime.fromisoformat("2026-12-01T08:30:00")),
            zone=parse_time_zone("UTC"),
            actions=(ReleaseAction.START, ReleaseAction.ADVANCE, ReleaseAction.PROMOTE),
        ),
    )


def test_a_spec_without_windows_has_an_empty_calendar():
    assert read() == ()


def test_what_was_read_is_rendered_with_every_default_and_read_again():
    spec = parse_spec(body_of(changed("releaseWindows", [OFFICE, FREEZE])))
    rendered = render_spec(spec)

    assert rendered["releaseWindows"] == [
        OFFICE | {"timeZone": "UTC", "actions": ["start", "advance", "promote"]},
        {
            "name": "freeze",
            "deny": {"from": "2026-11-27T00:00:00", "until": "2026-12-01T08:30:00"},
            "timeZone": "UTC",
            "actions": ["start", "advance", "promote"],
        },
    ]
    assert parse_spec(body_of(rendered)) == spec


@pytest.mark.parametrize(
    ("window", "path", "reason"),
    [
        ({"name": "a", "for": "1h"}, "", "allowed is allow or deny"),
        (OFFICE | {"deny": "0 9 * * *"}, "", "either allow or deny, not both"),
        ({"name": "a", "allow": "0 9 * * *"}, ".for", "is missing"),
        ({"name": "a", "allow": "0 9 * * *", "for": "400d"}, ".for", "at most 365d"),
        ({"name": "a", "allow": "0 25 * * *", "for": "1h"}, ".allow", "hour: found 25; allowed are 0 to 23"),
        ({"name": "a", "deny": "0 0 L * *", "for": "1h"}, ".deny", "day of month: found L"),
        ({"name": "a", "deny": "@daily", "for": "1h"}, ".deny", "allowed are five (minute, hour"),
        ({"name": "a", "deny": "0 0 31 2 *", "for": "1h"}, ".deny", "this day never comes"),
        ({"name": "a", "deny": ["0 9 * * *"]}, ".deny", "a cron schedule of five fields"),
        (FREEZE | {"for": "1h"}, ".for", "it goes with a cron schedule"),
        ({"name": "a", "deny": {"from": "2026-11-27"}}, ".deny.until", "is missing"),
        ({"name": "a", "deny": {"from": "2026-11-27", "until": "2026-11-27"}}, ".deny.until", "later than from"),
        ({"name": "a", "deny": {"from": "2026-11-31", "until": "2026-12-01"}}, ".deny.from", "no such day or time"),
        ({"name": "a", "deny": {"from": "2026-11-01T24:00", "until": "2027-01-01"}}, ".deny.from", "no such day"),
        ({"name": "a", "deny": {"from": "2026-11-27T00:00:00Z", "until": "2026-12-01"}}, ".deny.from", "offset"),
        (OFFICE | {"timeZone": "Europe/Berlim"}, ".timeZone", "did you mean Europe/Berlin?"),
        (OFFICE | {"timeZone": "europe/berlin"}, ".timeZone", "did you mean Europe/Berlin?"),
        (OFFICE | {"timeZone": "Europe"}, ".timeZone", "an IANA time zone such as"),
        (OFFICE | {"timeZone": "posix/Europe/Berlin"}, ".timeZone", "an IANA time zone such as"),
        (OFFICE | {"timeZone": "localtime"}, ".timeZone", "an IANA time zone such as"),
        (OFFICE | {"timeZone": "../../etc/hostname"}, ".timeZone", "an IANA time zone such as"),
        (OFFICE | {"timeZone": "+02:00"}, ".timeZone", "an IANA time zone such as"),
        (OFFICE | {"actions": []}, ".actions", "at least 1"),
        (OFFICE | {"actions": ["start", "start"]}, ".actions", "each entry once"),
        (OFFICE | {"actions": ["rollback"]}, ".actions[0]", "start or advance or promote"),
    ],
)
def test_a_window_that_could_not_be_kept_is_refused(window, path, reason):
    [problem] = refused(changed("releaseWindows", [window]))

    assert problem.path == f"releaseWindows[0]{path}"
    assert reason in problem.message


def test_names_of_windows_are_their_own():
    [problem] = refused(changed("releaseWindows", [OFFICE, FREEZE | {"name": "office"}]))

    assert problem.path == "releaseWindows[1].name"


def test_windows_that_begin_too_often_to_look_through_a_year_of_them_are_refused():
    often = {"name": "often", "deny": "*/30 * * * *", "for": "1m"}

    assert read(often)
    [problem] = refused(changed("releaseWindows", [often, OFFICE]))
    assert problem.path == "releaseWindows"
    assert "begin 49 times a day; allowed are 48" in problem.message


def stored(*windows: dict[str, Any]) -> str:
    spec = parse_spec(body_of(changed("releaseWindows", list(windows))))
    return write_envelope(Envelope(application=Application(name=ApplicationName("shop"), spec=spec)))


def test_a_stored_spec_keeps_its_windows_and_reads_the_rules_of_their_zones_anew():
    windows = (OFFICE | {"timeZone": "Europe/Berlin"}, FREEZE)

    spec = read_envelope(stored(*windows)).application.spec

    assert spec is not None
    assert spec.calendar == read(*windows)
    assert [window.zone.rules for window in spec.calendar] == [window.zone.rules for window in read(*windows)]
    assert stored(*windows).count("Europe/Berlin") == stored(*windows).count("0 9 * * mon-fri") == 1


def test_a_stored_spec_whose_zone_is_not_known_here_stays_readable():
    text = stored(OFFICE | {"timeZone": "Europe/Berlin"}).replace("Europe/Berlin", "Mars/Olympus_Mons")

    spec = read_envelope(text).application.spec

    assert spec is not None
    assert spec.calendar[0].zone == time_zone("Mars/Olympus_Mons")
    assert spec.calendar[0].zone.rules is None


def test_a_stored_schedule_that_this_release_does_not_read_is_told_as_such():
    with pytest.raises(RejectedError, match="not what this release writes"):
        read_envelope(stored(OFFICE).replace("0 9 * * mon-fri", "0 9 L * *"))


def test_time_zones_are_known_on_a_machine_without_a_list_of_its_own():
    code = (
        "from datetime import UTC, datetime\n"
        "from shared.wire.time_zones import parse_time_zone\n"
        "noon = datetime(2026, 6, 1, 12, tzinfo=UTC)\n"
        "print(noon.astimezone(parse_time_zone('America/New_York').rules).hour)"
    )

    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"PYTHONTZPATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout.split() == ["8"]
