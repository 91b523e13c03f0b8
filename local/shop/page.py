"""The one page of the shop, coloured by version or variant so that a person sees which one served it."""

from hashlib import sha256
from html import escape

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The Lantern Shop</title>
<style>
  :root {{ --hue: {hue}; color-scheme: light dark; }}
  body {{ font: 1rem/1.6 system-ui, sans-serif; margin: 0; background: hsl(var(--hue) 45% 96%); color: #1c1c1c; }}
  header {{ background: hsl(var(--hue) 55% 32%); color: #fff; padding: 1rem 2rem;
            display: flex; gap: 1rem; align-items: baseline; }}
  header b {{ font-size: 1.3rem; }}
  header span {{ margin-left: auto; font-variant-numeric: tabular-nums; }}
  main {{ max-width: 44rem; margin: 2rem auto; padding: 2rem; background: #fff; border-radius: 1rem; }}
  .price {{ font-size: 1.4rem; font-weight: 600; }}
  button {{ font: inherit; padding: .6rem 1.6rem; border: 0; border-radius: .5rem; cursor: pointer; color: #fff;
            background: hsl(var(--hue) 55% 32%); }}
  button:focus-visible {{ outline: 3px solid hsl(var(--hue) 80% 60%); outline-offset: 2px; }}
  @media (prefers-color-scheme: dark) {{
    body {{ background: hsl(var(--hue) 20% 10%); color: #eee; }} main {{ background: hsl(var(--hue) 15% 16%); }}
  }}
</style>
</head>
<body>
<header><b>The Lantern Shop</b><span>{told}</span></header>
<main>
  <h1>Harbour lantern</h1>
  <p>Brass, hand-blown glass, burns for nine hours. Made for boats that come home late.</p>
  <p class="price">48.00 €</p>
  {checkout}
</main>
</body>
</html>
"""


def product_page(version: str) -> str:
    """Return the page as HTML. The same version always has the same colour."""
    return _page(
        version, f"version {version}", '<form method="post" action="/checkout"><button>Buy now</button></form>'
    )


def flagged_page(look: str, *, variant: str, reason: str) -> str:
    """Return the page with one look of its checkout; its form says which variant that was, and why it was served.

    `look` is what the flag had for a value. One that the page does not know is drawn as a plain button.
    """
    button = _BUTTONS.get(look, _BUTTONS["old"])
    checkout = (
        f'<form method="post" action="/checkout" data-variant="{escape(variant)}" data-reason="{escape(reason)}">'
        f'<input type="hidden" name="variant" value="{escape(variant)}">{button}</form>'
    )
    return _page(look, f"checkout: {look}", checkout)


_BUTTONS = {
    "old": "<button>Buy now</button>",
    "new": "<button>Buy in one step</button>",
    "bold": '<button style="font-size: 2rem; width: 100%">BUY! BUY! BUY!</button>',
}


def _page(coloured_by: str, told: str, checkout: str) -> str:
    hue = int.from_bytes(sha256(coloured_by.encode()).digest()[:2], "big") % 360
    return _PAGE.format(hue=hue, told=escape(told), checkout=checkout)
