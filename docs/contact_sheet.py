"""One parcel in every language, side by side: `./dev run python docs/contact_sheet.py`, which writes docs/images/languages.png.

Needs the system's Chromium, and fonts for the scripts (Debian: fonts-noto-core, fonts-noto-cjk). What does not fit, or is left
in English, is seen here at a glance; look at it after a change of texts, of layout or of dates.
"""

import shutil
import sys
from base64 import b64encode
from html import escape

from playwright.sync_api import Browser, sync_playwright
from screenshots import BROWSERS, ON_ITS_WAY, OPTIONS, ROOT, Shot, demo, smaller, taken

from doorstep.demo import THEMES
from doorstep.i18n import Catalogs
from doorstep.languages import by_name, name_of, tag_of
from doorstep.paths import shipped

SHEET = ROOT / "docs" / "images" / "languages.png"
WINDOW, SCALE = (390, 620), 0.5  # in CSS pixels, and how large each is on the sheet
_COLUMNS = 7
_PAGE = """<!doctype html><meta charset="utf-8"><style>
  body {{ margin: 0; padding: 16px; background: #e9edf3; width: max-content; font: 11px sans-serif; color: #3b4656;
    display: grid; grid-template-columns: repeat({columns}, auto); gap: 14px }}
  figure {{ margin: 0 }}
  img {{ display: block; border-radius: 6px; outline: 1px solid #d3dae4 }}
  figcaption {{ padding: 5px 2px 0 }}
</style>{figures}"""


def sheet(browser: Browser, url: str, languages: tuple[str, ...]) -> bytes:
    """The parcel in each of these languages, with its name and code below."""
    figures = []
    for at, language in enumerate(languages):
        theme = tuple(THEMES)[at % len(THEMES)]
        shot = Shot(theme, WINDOW, ON_ITS_WAY, tag_of(language))
        image = b64encode(taken(browser, url, shot, scale=SCALE)).decode()
        width, height = (round(side * SCALE) for side in WINDOW)
        said = escape(f"{name_of(language)} · {tag_of(language)}")
        source = f"data:image/png;base64,{image}"
        figures.append(
            f'<figure><img width="{width}" height="{height}" src="{source}"><figcaption>{said}</figcaption></figure>'
        )
    page = browser.new_page(viewport={"width": 100, "height": 100})
    page.set_content(_PAGE.format(columns=_COLUMNS, figures="".join(figures)))
    picture = smaller(page, page.locator("body").screenshot())
    page.close()
    return picture


def main() -> int:
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        print(f"no browser: install one of {', '.join(BROWSERS)}", file=sys.stderr)
        return 1
    languages = by_name(Catalogs([shipped("locales")]).languages)
    with demo() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=OPTIONS)
        picture = sheet(browser, url, languages)
        browser.close()
    SHEET.write_bytes(picture)
    print(f"{SHEET.relative_to(ROOT)}: {len(languages)} languages, {len(picture)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
