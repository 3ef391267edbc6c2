"""Takes docs/images/classic.png anew: `./dev run python docs/screenshots.py`. Needs the system's Chromium."""

import shutil
import struct
import sys
import tempfile
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from doorstep.app import assemble, create_engine
from doorstep.clock import SystemClock
from doorstep.config import Server
from doorstep.demo import DemoShop, demo_config
from doorstep.packages import installed
from doorstep.sandbox import sandbox_accounts, sandbox_of
from doorstep.serving import on_loopback

IMAGE = Path(__file__).parent / "images" / "classic.png"
PARCEL = "1ZD0R5TP6873112332"  # UPS's sample: out for delivery in Lyon
SIZES = ((390, 844), (1280, 844))  # a phone beside a wide window, in CSS pixels
SCALE = 2
LARGEST = 250_000
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = ["--no-sandbox", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking"]

COMPOSED = """<!doctype html><style>
  body {{ margin: 0; padding: 32px; display: flex; gap: 32px; background: #e9edf3; width: max-content }}
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
        shop = DemoShop(assemble(engine), engine.shops, [], engine.plugins.manifests)
        with on_loopback(shop) as url:
            yield url


def picture(browser: Browser, url: str, width: int, height: int) -> bytes:
    """What a reader with a light theme sees first."""
    page = browser.new_page(
        viewport={"width": width, "height": height}, device_scale_factor=SCALE, color_scheme="light", locale="en-GB"
    )
    page.goto(url)
    page.wait_for_load_state("networkidle")
    taken = page.screenshot(animations="disabled")
    page.close()
    return taken


def composed(browser: Browser, pictures: list[bytes]) -> bytes:
    """All pictures side by side, each at its size."""
    images = "".join(
        f'<img width="{width}" height="{height}" src="data:image/png;base64,{b64encode(data).decode()}">'
        for (width, height), data in zip(SIZES, pictures, strict=True)
    )
    page = browser.new_page(viewport={"width": 100, "height": 100}, device_scale_factor=SCALE)
    page.set_content(COMPOSED.format(images=images))
    taken = smaller(page, page.locator("body").screenshot())
    page.close()
    return taken


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
        image = composed(browser, [picture(browser, f"{url}/track/{PARCEL}?lang=en", *size) for size in SIZES])
        browser.close()
    IMAGE.parent.mkdir(exist_ok=True)
    IMAGE.write_bytes(image)
    print(f"{IMAGE.name}: {len(image)} bytes")
    return int(len(image) > LARGEST)


if __name__ == "__main__":
    sys.exit(main())
