"""`python -m local.demo --story ...` tells each story to its end, and says so when it goes otherwise."""

import re

import pytest

from local.story.stories import MAIN, STORIES
from tests.demo_process import ROOT, demos

LONGEST = 120
"""What a story may take after set-up, in seconds."""
GUIDE = ROOT / "docs" / "guides" / "stories.md"
LONG = {"experiment", "flags", "migration", "together"}
OTHERS = [pytest.param(name, marks=[pytest.mark.long] * (name in LONG)) for name in STORIES if name != MAIN]


@pytest.fixture(scope="module")
def start_demo(tmp_path_factory):
    with demos(tmp_path_factory) as start:
        yield start


@pytest.fixture(scope="module")
def told(start_demo):
    """A story as it is told, run once whoever asks."""
    ended = {}

    def tell(story, *options):
        if (story, *options) not in ended:
            demo = ended[story, *options] = start_demo("--story", story, *options)
            demo.process.wait(2 * LONGEST)
        return ended[story, *options]

    return tell


def transcript_of(story):
    """What the guide shows of a story, as lines."""
    section = GUIDE.read_text().split(f"STORY={story}`", 1)[1]
    return re.search(r"```text\n(.+?)```", section, re.S)[1].splitlines()


def shape(line):
    """A line without what differs each time it is told."""
    return re.sub(r"[\d.,]+|[0-9a-f]{12}", "#", line)


def figure(demo, name):
    """A figure below the closing table."""
    found = re.search(rf"^{re.escape(name)} +([\d.]+)", demo.text, re.M)
    assert found, f"{name} is missing in:\n{demo.text}"
    return float(found[1])


@pytest.mark.slow
@pytest.mark.parametrize("story", OTHERS)
def test_a_story_comes_true_in_time_and_leaves_nothing_behind(told, story):
    demo = told(story)

    assert demo.process.returncode == 0, demo.text
    assert demo.left_behind() == ({}, [])
    assert int(re.search(r"in all (\d+) s", demo.text)[1]) < LONGEST


@pytest.mark.slow
@pytest.mark.parametrize("story", OTHERS)
def test_every_share_that_users_had_was_the_one_that_was_wanted(told, story):
    demo = told(story)

    rows = re.findall(r"^│ (.+?) +│ (.+?) +│ +([\d.]+) % │ +([\d.]+) % │ +± ([\d.]+) % │", demo.text, re.M)
    assert rows
    for version, step, wanted, had, tolerance in rows:
        assert abs(float(had) - float(wanted)) <= float(tolerance) + 0.01, (version, step)


@pytest.mark.slow
@pytest.mark.parametrize("story", OTHERS)
def test_the_guide_shows_the_chapters_and_figures_of_a_story_as_it_is_told(told, story):
    lines = told(story).text.splitlines()

    chapters = [line for line in transcript_of(story) if line.startswith(("Version ", "Variant "))]
    figures = [found[1] for line in transcript_of(story) if (found := re.match(r"([a-z].*?)  +\S", line))]
    assert len(chapters) >= 3
    assert len(figures) >= 4
    for chapter in chapters:
        assert chapter in lines
    for name in figures:
        assert any(shape(line).startswith(f"{shape(name)}  ") for line in lines), name


@pytest.mark.slow
def test_a_switch_harms_nobody_and_a_bad_version_goes_back_at_once(told):
    demo = told("blue-green")

    assert figure(demo, "requests failed because of version 3") > 0
    assert figure(demo, "requests failed because of anything else") == 0
    assert figure(demo, "from version 3's first failure to everyone back") < 45
    assert figure(demo, "from that verdict to everyone back") > 0


@pytest.mark.slow
def test_a_switch_to_a_version_that_is_well_after_all_differs_from_the_story(told):
    demo = told("blue-green", "--version-3-error-rate", "0")

    assert demo.process.returncode == 1, demo.text
    assert "The story differs: version 3 should be rolled back, but ended succeeded" in demo.text


@pytest.mark.long
def test_a_database_is_expanded_before_users_come_and_contracted_when_the_old_version_is_gone(told):
    demo = told("migration")

    assert figure(demo, "expand, from its call to its callback") >= 3
    assert figure(demo, "from that callback to version 2's first weight") >= 0
    assert figure(demo, "from version 2's success to contract") >= 10
    assert "answered 409: rollback is not possible: version 1 is not kept warm any more" in demo.text


@pytest.mark.long
def test_beyond_the_point_of_no_return_a_bad_version_is_held_and_a_person_paged(told):
    demo = told("migration")

    assert "not taken back, for hook expand has passed the point of no return" in demo.text
    assert "a person is paged: shop:" in demo.text
    assert figure(demo, "from that verdict to a person's pager") > 0
    assert figure(demo, "requests failed because of anything else") == 0


@pytest.mark.long
def test_a_report_says_who_won_and_without_evidence_nothing_is_promoted(told):
    demo = told("experiment")

    assert re.search(r"^the experiment with version 2 +candidate wins by errors: -", demo.text, re.M)
    assert re.search(r"^the experiment with version 3 +no evidence yet: .* would be seen by now$", demo.text, re.M)
    assert figure(demo, "checkouts lost by version 1") > figure(demo, "checkouts lost by version 2") > 0


@pytest.mark.long
def test_what_one_application_cannot_keep_both_give_back(told):
    demo = told("together")

    for stage in ("weight 1", "the promotion"):
        assert f"both are ready: {stage} is opened" in demo.text
    assert "the release is taken back: kiosk goes back: degraded" in demo.text
    assert re.search(r"^shop 3 +[1-9]\d* requests, 0 failed$", demo.text, re.M)
    assert re.search(r"^kiosk 3 +[1-9]\d* requests, [1-9]\d* failed$", demo.text, re.M)
    assert figure(demo, "from that verdict to the kiosk back") < figure(demo, "from that verdict to the shop back")


@pytest.mark.long
def test_a_page_follows_the_ramp_of_its_flag_and_nobody_who_has_the_new_variant_loses_it(told):
    demo = told("flags")

    rows = re.findall(r"^│ (new|bold) +│ (.+?) +│ +(\d+) % │.*│ (.+?) +│$", demo.text, re.M)
    assert rows == [
        ("new", "step 1", "1", "as wanted"),
        ("new", "step 2", "5", "as wanted"),
        ("new", "step 3", "25", "as wanted"),
        ("new", "promoted", "100", "as wanted"),
        ("bold", "step 1", "1", "as wanted"),
        ("bold", "taken back", "0", "as wanted"),
    ]
    assert "of a panel of 500 visitors 500 have new; nobody who had it lost it" in demo.text
    panel = [figure(demo, f"of a panel of 500 had new at {weight} %") for weight in (5, 25, 100)]
    assert 0 < panel[0] < panel[1] < panel[2] == 500


@pytest.mark.long
def test_a_bad_variant_is_met_by_few_and_a_kill_ends_the_good_one_within_the_age_of_flags(told):
    demo = told("flags")

    assert 0 < figure(demo, "checkouts that bold lost") <= figure(demo, "visitors who met bold") < 50
    assert figure(demo, "checkouts lost by anything else") == 0
    call = figure(demo, "the call of the kill switch") / 1000
    assert figure(demo, "from that call to the last visitor shown new") < call + 1.05


@pytest.mark.long
def test_a_variant_that_is_well_after_all_differs_from_the_story(told):
    demo = told("flags", "--version-3-error-rate", "0")

    assert demo.process.returncode == 1, demo.text
    assert "The story differs: bold should be taken back, but ended succeeded" in demo.text
    assert demo.left_behind() == ({}, [])


def test_the_guide_lists_every_story():
    named = re.findall(r"^\| \[?`(\S+)`", GUIDE.read_text(), re.M)

    assert sorted(named) == sorted(STORIES)


def test_a_story_that_there_is_not_is_an_error_that_names_those_that_there_are(start_demo):
    demo = start_demo("--story", "cinderella")

    assert demo.process.wait(20) == 2
    for name in STORIES:
        assert name in demo.text
