"""Make the pictures of the search page in docs/_static: ``python docs/screenshots.py``.

Trains small models on the questions and answers in docs/screenshots.tsv and examples/data/faq-ko.tsv and on the news
that ship with gensim, serves them, and opens the page in Chromium. The letters are those of the fonts that are
installed. It needs ``apt-get install chromium chromium-driver fonts-noto-core fonts-noto-cjk`` and
``pip install ".[serve,korean]" selenium pillow``.
"""

from __future__ import annotations

import argparse
import csv
import io
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image
from selenium import webdriver
from selenium.webdriver.support.ui import WebDriverWait

from gensim_sent2vec import Sent2Vec, SentenceIndex
from gensim_sent2vec.datasets import lee_documents

DOCS = Path(__file__).parent
COLORS = 128  # of a picture; enough for text, and a third of the size


class Picture(NamedTuple):
    """A picture of the page: its file, what is served, and how the page is opened."""

    name: str
    corpus: str
    query: str
    language: str = "en-US"
    dark: bool = False
    size: tuple[int, int] = (800, 570)
    mobile: bool = False


PICTURES = (
    Picture("page", "english", "where is my money"),
    Picture("page-start", "english", "", size=(800, 480)),
    Picture("page-dark", "english", "where is my money", dark=True),
    Picture("page-korean", "korean", "쿠폰 번호를 어디에 넣어요?", language="ko-KR"),
    Picture("page-phone", "english", "where is my money", size=(390, 720), mobile=True),
)


# ---------------------------------------------------------------------------------------------------
# What is served


def read_faq(path: Path) -> tuple[list[str], list[str]]:
    """Questions and their answers."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row.get("role", "index") == "index"]
    return [row["question"] for row in rows], [row["answer"] for row in rows]


def build(corpus: str, folder: Path) -> tuple[Path, Path]:
    """Train a model, build an index, save both, and return their paths."""
    if corpus == "english":
        questions, answers = read_faq(DOCS / "screenshots.tsv")
        texts = [line for article in lee_documents("lee_background.cor") for line in article.split(". ")]
        tokenizer = "words"
    else:
        questions, answers = read_faq(DOCS.parent / "examples" / "data" / "faq-ko.tsv")
        texts, tokenizer = [], "kiwi:N,V,M,XR"
    texts = texts + 5 * (questions + answers)
    model = Sent2Vec(texts, tokenizer=tokenizer, min_count=1, epochs=20, workers=1)
    paths = folder / f"{corpus}.s2v", folder / f"{corpus}.index"
    model.wv.save(paths[0])
    SentenceIndex.build(model.wv, questions, keys=answers, lexical=True).save(paths[1])
    return paths


@contextmanager
def served(model: Path, index: Path) -> Iterator[str]:
    """Run the service on a free port and yield its address."""
    command = [
        sys.executable,
        "-m",
        "gensim_sent2vec",
        "serve",
        str(model),
        str(index),
        "--port",
        "0",
        "--workers",
        "1",
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as service:
        assert service.stderr is not None
        try:
            addresses = (re.search(r"serving .* at (http://\S+)", line) for line in service.stderr)
            yield next(found[1] for found in addresses if found)
        finally:
            service.terminate()


# ---------------------------------------------------------------------------------------------------
# The pictures


@contextmanager
def browser_for(picture: Picture) -> Iterator[webdriver.Chrome]:
    """Chromium, with the size, the language and the color scheme of a picture."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    options.add_argument(f"--lang={picture.language}")
    options.add_experimental_option("prefs", {"intl.accept_languages": picture.language})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        width, height = picture.size
        screen = {"width": width, "height": height, "deviceScaleFactor": 1.5, "mobile": picture.mobile}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if picture.dark else "light"}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        yield browser
    finally:
        browser.quit()


def take(picture: Picture, url: str) -> bytes:
    """Open the page, wait for its answers, and return the picture as PNG."""
    with browser_for(picture) as browser:
        browser.get(url)
        wait = WebDriverWait(browser, 30)
        wait.until(lambda b: b.find_elements("css selector", "#samples > *"))
        if picture.query:
            browser.find_element("id", "query").send_keys(picture.query)
            wait.until(lambda b: b.find_elements("css selector", "#results mark"))
        browser.execute_script("document.activeElement.style.caretColor = 'transparent'")  # it blinks
        return browser.get_screenshot_as_png()


def save(png: bytes, path: Path) -> None:
    """Save a picture with fewer colors."""
    image: Any = Image.open(io.BytesIO(png)).convert("RGB")
    image.quantize(COLORS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output", type=Path, default=DOCS / "_static", metavar="FOLDER")
    folder = parser.parse_args().output
    with tempfile.TemporaryDirectory() as temporary:
        for corpus in sorted({picture.corpus for picture in PICTURES}):
            with served(*build(corpus, Path(temporary))) as url:
                for picture in PICTURES:
                    if picture.corpus == corpus:
                        save(take(picture, url), folder / f"{picture.name}.png")


if __name__ == "__main__":
    main()
