"""Route templates mean here what they mean to ASP.NET Core."""

import pytest

from local.hosting.route_template import RouteTemplate

GUID = "512d38b6-c7b8-40c8-89fe-f46f9e9622b6"


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("api/things", "api/things", {}),
        ("api/things", "API/Things", {}),
        ("api/things/{id}", "api/things/7", {"id": "7"}),
        ("things/{id:int}", "things/-7", {"id": "-7"}),
        ("things/{id:long}", "things/3000000000", {"id": "3000000000"}),
        ("things/{id:guid}", f"things/{GUID}", {"id": GUID}),
        ("things/{on:bool}", "things/True", {"on": "True"}),
        ("things/{name:alpha:length(2,4)}", "things/abc", {"name": "abc"}),
        ("things/{n:range(1,9)}", "things/9", {"n": "9"}),
        ("things/{code:regex(^\\d{{3}}$)}", "things/123", {"code": "123"}),
        ("things/{id?}", "things", {}),
        ("things/{id?}", "things/7", {"id": "7"}),
        ("things/{id=5}", "things", {"id": "5"}),
        ("things/{id:int=5}", "things/6", {"id": "6"}),
        ("files/{*path}", "files/a/b/c", {"path": "a/b/c"}),
        ("files/{**path}", "files", {}),
        ("{*path}", "", {}),
        ("v{major}.{minor}/x", "v1.2.3/x", {"major": "1.2", "minor": "3"}),
    ],
)  # fmt: skip
def test_a_path_that_fits_gives_its_parameters(template, path, values):
    assert RouteTemplate(template).match(path.split("/") if path else []) == values


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("api/things", "api/thing"),
        ("api/things", "api/things/7"),
        ("api/things/{id}", "api/things"),
        ("api/{a}/{b}", "api//x"),
        ("things/{id:int}", "things/x"),
        ("things/{id:int}", "things/3000000000"),
        ("things/{name:alpha:length(2,4)}", "things/abcde"),
        ("things/{n:range(1,9)}", "things/10"),
        ("things/{n:min(3)}", "things/2"),
        ("things/{n:max(3)}", "things/4"),
        ("things/{s:minlength(3)}", "things/ab"),
        ("things/{s:maxlength(3)}", "things/abcd"),
        ("things/{id:guid}", "things/512d"),
        ("things/{when:datetime}", "things/soon"),
        ("things/{code:regex(^\\d{{3}}$)}", "things/1234"),
        ("v{major}.{minor}", "v1"),
    ],
)
def test_a_path_that_does_not_fit_gives_none(template, path):
    assert RouteTemplate(template).match(path.split("/")) is None


@pytest.mark.parametrize(
    "template", ["things/{", "things/{}", "things/{id:unknown}", "{*all}/more", "things/{id:int(3)}"]
)
def test_a_text_that_is_no_template_is_refused(template):
    with pytest.raises(ValueError):
        RouteTemplate(template)
