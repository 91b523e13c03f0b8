"""Resource ids, and the kinds of resource that they name."""

import pytest

from shared.domain.errors import RejectedError
from shared.wire.resource_id import parse_resource_id

GROUP = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g (1)".replace(" ", "_")


@pytest.mark.parametrize(
    ("rest", "kind"),
    [
        ("Microsoft.Web/sites/shop", "microsoft.web/sites"),
        ("Microsoft.Web/sites/shop/slots/blue", "microsoft.web/sites/slots"),
        ("Microsoft.App/containerApps/shop/", "microsoft.app/containerapps"),
        ("Microsoft.Insights/components/shop insights", "microsoft.insights/components"),
    ],
)
def test_a_resource_is_of_the_kind_that_its_types_name(rest, kind):
    found = parse_resource_id(f"{GROUP}/providers/{rest}")

    assert found.kind == kind
    assert found.text == f"{GROUP}/providers/{rest}".rstrip("/")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "shop",
        GROUP,
        f"{GROUP}/providers/Microsoft.Web",
        f"{GROUP}/providers/Microsoft.Web/sites",
        f"{GROUP}/providers/Microsoft.Web/sites/shop/slots",
        f"{GROUP}/providers/Microsoft.Web/sites/shop/../x",
        f"{GROUP}/providers/Microsoft.Web/sites/shop?x=y",
        f"{GROUP}/providers/Microsoft.Web/sites/a\nb",
        f"https://evil.example{GROUP}/providers/Microsoft.Web/sites/shop",
    ],
)
def test_what_names_no_resource_is_refused(text):
    with pytest.raises(RejectedError, match="not the id of an Azure resource"):
        parse_resource_id(text)
