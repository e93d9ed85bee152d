"""Draw _static/card.png, which a chat or a feed shows beside a link to the book."""

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

STATIC = Path(__file__).parent.parent / "_static"
CARD = """
<style>
@font-face {{ font-family: Sans; font-weight: 200 900;
  src: url("{static}/vendor/fonts/source-sans-3-latin-wght-normal.woff2"); }}
body {{ margin: 0; width: 1200px; height: 630px; display: grid; grid-template-columns: 26rem 1fr;
  align-items: center; gap: 3rem; padding: 0 4rem; box-sizing: border-box; font-family: Sans; }}
.logo {{ width: 9rem; margin-left: -0.5rem; }}
h1 {{ font-size: 4.6rem; line-height: 1.05; margin: 1rem 0; letter-spacing: -0.015em; }}
p {{ font-size: 1.75rem; line-height: 1.35; margin: 0; color: #5a616b; }}
.hero {{ width: 100%; }}
</style>
<div><img class="logo" src="{static}/logo.svg"><h1>The Right Coupon</h1>
<p>Personalized coupon recommendation with Keras</p></div>
<img class="hero" src="{static}/diagrams/hero.svg">
"""


def main() -> None:
    """Draw the card with the browser."""
    names = ("chromium", "chromium-browser", "google-chrome")
    chrome = next(filter(None, map(shutil.which, names)))
    draft = STATIC / "card.html"
    draft.write_text(CARD.format(static="."), "utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chrome, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 630})
        page.goto(draft.as_uri())
        page.evaluate("() => document.fonts.ready.then(() => true)")
        page.screenshot(path=STATIC / "card.png")
        browser.close()
    draft.unlink()


if __name__ == "__main__":
    main()
