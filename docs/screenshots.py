"""Takes the pictures of the three themes anew: `./dev run python docs/screenshots.py`, with `mails` behind it those of mails
alone. Needs the system's Chromium.

docs/images/<theme>.png and themes.png, night.png, insights.png, messages.png, mails.png; themes/<theme>/static/preview.png.
"""

import shutil
import struct
import sys
import tempfile
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal

from msgspec import Struct, structs
from playwright.sync_api import Browser, Page, sync_playwright

from doorstep.app import assemble
from doorstep.clock import SystemClock
from doorstep.config import Server
from doorstep.demo import BUSY, THEMES, DemoShop, demo_config
from doorstep.demo.orders import orders_and_worker
from doorstep.engine import create_engine
from doorstep.packages import installed
from doorstep.preview.letters import LETTERS, letter
from doorstep.sandbox import sandbox_accounts, sandbox_of
from doorstep.serving import on_loopback

ROOT = Path(__file__).parent.parent
ON_ITS_WAY = "1ZD0R5TP6873112332"  # UPS's sample: out for delivery in Lyon
ARRIVED = "2648701930"  # DHL's: delivered in Brussels
PHONE, WIDE, PREVIEW, REPORT = (390, 844), (1280, 844), (1280, 800), (720, 1800)  # in CSS pixels
SCALE = 2
LARGEST = 250_000
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = ["--no-sandbox", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking"]


class Shot(Struct, frozen=True):
    """One window of a picture."""

    theme: str
    size: tuple[int, int] = PHONE
    number: str = ON_ITS_WAY
    language: str = "en"
    scheme: Literal["light", "dark"] = "light"
    page: str = ""  # instead of a parcel's

    @property
    def path(self) -> str:
        return self.page or f"{THEMES[self.theme]}/track/{self.number}?lang={self.language}"


# What stands side by side in each picture.
PICTURES = {
    **{f"docs/images/{theme}.png": [Shot(theme), Shot(theme, WIDE)] for theme in THEMES},
    "docs/images/themes.png": [Shot(theme) for theme in THEMES],
    "docs/images/night.png": [Shot(theme, number=ARRIVED, language="ar", scheme="dark") for theme in THEMES],
    "docs/images/insights.png": [
        Shot(BUSY, REPORT, scheme=scheme, page="/shop/insights") for scheme in ("light", "dark")
    ],
}


class Mail(Struct, frozen=True):
    """A message in a picture, as long as it is."""

    theme: str
    name: str
    width: int = 375
    language: str = "en"
    scheme: Literal["light", "dark"] = "light"


MAILS = {
    "docs/images/messages.png": [
        Mail("classic", "message.on_its_way", 600),
        Mail("bold", "message.arrives_today"),
        Mail("minimal", "message.delivered"),
    ],
    "docs/images/mails.png": [
        Mail("bold", "message.ready_for_pickup", 600, "de"),
        Mail("classic", "message.needs_action", 375, "ar", "dark"),
    ],
}

COMPOSED = """<!doctype html><style>
  body {{ margin: 0; padding: 32px; display: flex; align-items: start; gap: 32px; background: #e9edf3; width: max-content }}
  img {{ display: block; border-radius: 12px; outline: 1px solid #d3dae4 }}
</style>{images}"""

# The picture's most frequent colours as a palette, and for each pixel the nearest of them.
PALETTE = """async encoded => {
  const image = new Image();
  image.src = `data:image/png;base64,${encoded}`;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height), context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const pixels = new Uint32Array(context.getImageData(0, 0, image.width, image.height).data.buffer);
  const count = new Map();
  for (const pixel of pixels) count.set(pixel, (count.get(pixel) || 0) + 1);
  const parts = pixel => [pixel & 255, pixel >> 8 & 255, pixel >> 16 & 255];
  const palette = [...count].sort((a, b) => b[1] - a[1]).slice(0, 256).map(([pixel]) => parts(pixel));
  const nearest = new Map();
  for (const pixel of count.keys()) {
    const far = palette.map(one => parts(pixel).reduce((sum, part, i) => sum + (part - one[i]) ** 2, 0));
    nearest.set(pixel, far.indexOf(Math.min(...far)));
  }
  let text = "";
  for (const pixel of pixels) text += String.fromCharCode(nearest.get(pixel));
  return [image.width, image.height, palette.flat(), btoa(text)];
}"""


class Afternoon(SystemClock):
    """The day of the samples, so that the picture is the same whenever it is taken."""

    def now(self) -> datetime:
        return datetime(2026, 11, 20, 13, 20, tzinfo=UTC)


@contextmanager
def demo() -> Iterator[str]:
    """The demo's shop on free ports of loopback; gives its URL."""
    sandbox = sandbox_of(installed())
    with tempfile.TemporaryDirectory() as folder, on_loopback(sandbox.app) as carriers:
        accounts = sandbox_accounts(sandbox, carriers)
        config = demo_config(accounts, database=f"sqlite:///{folder}/demo.db", server=Server())
        engine = create_engine(config, clock=Afternoon())
        beside = partial(orders_and_worker, engine, [], busy=BUSY)
        with on_loopback(DemoShop(assemble(engine, beside=beside), engine, [])) as url:
            yield url


def taken(browser: Browser, url: str, shot: Shot, scale: float = SCALE) -> bytes:
    """What a reader sees first."""
    width, height = shot.size
    page = browser.new_page(
        viewport={"width": width, "height": height}, device_scale_factor=scale, color_scheme=shot.scheme
    )
    page.goto(f"{url}{shot.path}")
    page.wait_for_load_state("networkidle")
    picture = page.screenshot(animations="disabled")
    page.close()
    return picture


def composed(browser: Browser, url: str, shots: Sequence[Shot]) -> bytes:
    """All windows side by side, each at its size."""
    images = "".join(
        f'<img width="{shot.size[0]}" height="{shot.size[1]}" src="data:image/png;base64,{encoded}">'
        for shot in shots
        for encoded in (b64encode(taken(browser, url, shot)).decode(),)
    )
    page = browser.new_page(viewport={"width": 100, "height": 100}, device_scale_factor=SCALE)
    page.set_content(COMPOSED.format(images=images))
    picture = smaller(page, page.locator("body").screenshot())
    page.close()
    return picture


def mails(browser: Browser, shown: Sequence[Mail]) -> bytes:
    """Messages side by side, each from its top to its end."""
    config = demo_config({}, database="sqlite://", server=Server())
    stores = {id: structs.replace(one, path="", public_url="https://shop.example") for id, one in config.stores.items()}
    shops = {shop.id: shop for shop in create_engine(structs.replace(config, stores=stores)).shops.all}
    images = ""
    for mail in shown:
        page = browser.new_page(
            viewport={"width": mail.width, "height": 300}, device_scale_factor=SCALE, color_scheme=mail.scheme
        )
        page.set_content(letter(shops[mail.theme], LETTERS[mail.name], Afternoon().now(), mail.language).html())
        encoded = b64encode(page.screenshot(full_page=True)).decode()
        images += f'<img width="{mail.width}" src="data:image/png;base64,{encoded}">'
        page.close()
    page = browser.new_page(viewport={"width": 100, "height": 100}, device_scale_factor=SCALE)
    page.set_content(COMPOSED.format(images=images))
    picture = smaller(page, page.locator("body").screenshot())
    page.close()
    return picture


def preview(browser: Browser, url: str, theme: str) -> bytes:
    """A theme at a glance, for lists of themes."""
    page = browser.new_page()
    picture = smaller(page, taken(browser, url, Shot(theme, PREVIEW), scale=0.75))
    page.close()
    return picture


def smaller(page: Page, png: bytes) -> bytes:
    """The same picture in at most 256 colours: text and flat areas need no more, and the file is half as large."""
    width, height, palette, packed = page.evaluate(PALETTE, b64encode(png).decode())
    indices = b64decode(packed)
    rows = b"".join(b"\0" + indices[at : at + width] for at in range(0, width * height, width))
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    body = _chunk(b"IHDR", header) + _chunk(b"PLTE", bytes(palette)) + _chunk(b"IDAT", zlib.compress(rows, 9))
    return b"\x89PNG\r\n\x1a\n" + body + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def main() -> int:
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        print(f"no browser: install one of {', '.join(BROWSERS)}", file=sys.stderr)
        return 1
    with demo() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=OPTIONS)
        made = {name: mails(browser, shown) for name, shown in MAILS.items()}
        if "mails" not in sys.argv[1:]:
            made |= {name: composed(browser, url, shots) for name, shots in PICTURES.items()}
            made |= {f"themes/{theme}/static/preview.png": preview(browser, url, theme) for theme in THEMES}
        browser.close()
    for name, image in made.items():
        (ROOT / name).write_bytes(image)
        print(f"{name}: {len(image)} bytes")
    return int(max(map(len, made.values())) > LARGEST)


if __name__ == "__main__":
    sys.exit(main())
