"""Pictures of the running sandbox for README and docs: docs/images/*.png.

Usage: screenshots.py [BASE]   (BASE: a service with the sandbox on; default http://127.0.0.1:8080)

Needs a Chromium on the machine; downloads none.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
PAGES = {
    "sandbox-gallery": ("/", 1280, 860),
    "sandbox-patient": ("/patients/dlbcl-early-relapse", 1440, 1120),
    "sandbox-order": ("/patients/mantle-cell-with-btk?hook=order-select&order=bendamustine", 1440, 900),
    "sandbox-report": ("/patients/dlbcl-flags/report", 860, 1120),
    "rule-page": ("/rules/us/lbcl", 1280, 900),
}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def main(base: str) -> int:
    """Write the pictures; 1 when there is no Chromium."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        print("screenshots: no Chromium found; install one to renew the pictures", file=sys.stderr)
        return 1
    with sync_playwright() as play:
        chrome = play.chromium.launch(executable_path=browser, args=FLAGS)
        for name, (path, width, height) in PAGES.items():
            page = chrome.new_page(viewport={"width": width, "height": height}, color_scheme="light")
            page.goto(base.rstrip("/") + path, wait_until="networkidle")
            page.screenshot(path=IMAGES / f"{name}.png")
            page.close()
        chrome.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080"))
