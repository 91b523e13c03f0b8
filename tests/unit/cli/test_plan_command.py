"""`python -m cli plan`: the plan of a spec is shown offline, for people and for machines."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from cli.__main__ import main
from shared.domain.rollout.forecast import forecast
from shared.wire.plan_view import plan_view
from shared.wire.spec import parse_spec
from tests.unit.wire.spec_documents import SMALLEST

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "slipway.yaml"
AT = "2026-11-24T09:00:00Z"
APP = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/g/providers/Microsoft.App/containerApps/shop"
HOOK = {
    "name": "migrate",
    "at": "before-rollout",
    "pointOfNoReturn": True,
    "webhook": {"url": "https://hooks.example.org/migrate"},
}


@pytest.fixture
def shown(tmp_path, capsys):
    """Return what the command shows of the smallest spec with these changes."""

    def show(*options: str, **changes: object) -> str:
        path = tmp_path / "slipway.yaml"
        path.write_text(yaml.safe_dump(SMALLEST | changes))
        assert main(["plan", str(path), "--at", AT, *options]) == 0
        return capsys.readouterr().out

    return show


def canary(*steps: object) -> dict[str, object]:
    return {"canary": {"steps": list(steps)}}


def app(name: str = "app") -> dict[str, str]:
    return {"name": name, "kind": "container-app", "resource": APP}


def test_people_get_a_line_for_each_step_with_its_times(shown):
    first, _, heads, *lines = shown().splitlines()

    assert first == "shop: starts 2026-11-24 09:00:00 UTC; at best 29 min, at worst 2 h 40 min, if it never pauses"
    assert all(head in heads for head in ("weight", "earliest", "latest", "if it fails"))
    steps = [line.split() for line in lines if line[:1].isdigit()]
    assert [step[:3] for step in steps] == [
        ["0", "weight", "5"],
        ["1", "weight", "25"],
        ["2", "weight", "50"],
        ["3", "promote", "95"],
    ]
    assert "+3 min" in lines[0]
    assert "+40 min" in lines[0]


def test_no_line_is_longer_than_100_characters(shown, capsys):
    long = "a-target-with-a-name-that-is-as-long-as-any-name-may-ever-be-xx"
    told = shown(
        targets=[app(long)],
        strategy=canary(0.4, 0.5, {"weight": 12.555, "gate": {"name": long, "timeout": "364d23h59m59s"}}),
    )
    main(["plan", str(EXAMPLE), "--at", "2026-11-27T12:00:00Z"])

    assert max(map(len, (told + capsys.readouterr().out).splitlines())) <= 100


def test_what_a_router_cannot_say_is_rounded_in_sight(shown):
    told = shown(targets=[app()], strategy=canary(12.5, 12.6))

    assert "app: 13 %" in told
    assert "rounded: step 0: 12.5 % becomes 13 % on app (container-app)" in told
    assert "look: steps 0 and 1 both come to 13 % on app (container-app)" in told


def test_json_is_what_the_api_shows(shown):
    told = json.loads(shown("--json"))

    spec = parse_spec(json.dumps(SMALLEST).encode())
    assert told == {
        "ok": True,
        **json.loads(json.dumps(plan_view(forecast(spec, datetime(2026, 11, 24, 9, tzinfo=UTC))))),
    }


def test_the_times_follow_the_time_that_is_given(shown):
    windows = [{"name": "office", "allow": "0 10 * * *", "for": "8h", "actions": ["start"]}]

    told = shown(releaseWindows=windows)

    assert told.startswith("shop: starts 2026-11-24 10:00:00 UTC; at best 1 h 29 min")
    assert "held: start: outside release window office" in told


def test_what_never_goes_on_says_so(shown):
    never = [{"name": "past", "allow": {"from": "2020-01-01", "until": "2020-01-02"}}]

    assert shown(releaseWindows=never).startswith(
        "shop: cannot start; it cannot end: release windows do not let it go on"
    )


def test_a_point_of_no_return_is_told(shown):
    told = shown(hooks=[HOOK])

    assert "point of no return: after step 0" in told
    *_, promote = (line for line in told.splitlines() if "promote" in line)
    assert promote.endswith("paused")


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_wrong_spec_is_refused_with_every_problem(tmp_path, capsys, options):
    path = tmp_path / "slipway.yaml"
    path.write_text(EXAMPLE.read_text().replace("application: shop", "application: Shop").replace("wave: 1", "wave: x"))

    assert main(["plan", str(path), *options]) == 1

    told = capsys.readouterr()
    if options:
        assert [each["path"] for each in json.loads(told.out)["problems"]] == ["application", "targets[0].wave"]
    else:
        assert told.out == ""
        assert [line.split(": ")[1] for line in told.err.splitlines()] == ["application", "targets[0].wave"]


def test_a_file_that_is_not_there_is_refused(tmp_path, capsys):
    assert main(["plan", str(tmp_path / "none.yaml")]) == 1
    assert "No such file or directory" in capsys.readouterr().err


@pytest.mark.parametrize("at", ["noon", "2026-11-24", "1066-10-14T09:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_time_that_is_none_is_not_understood(capsys, at):
    with pytest.raises(SystemExit) as ended:
        main(["plan", str(EXAMPLE), "--at", at])

    assert ended.value.code == 2
    assert "argument --at: allowed is" in capsys.readouterr().err
