"""The service's page, in Chromium."""

from __future__ import annotations

import json
import re
import shutil

import pytest
from servers import Server, until

from gensim_sent2vec import SentenceIndex

for needed in ("fastapi", "uvicorn", "prometheus_client", "selenium"):
    pytest.importorskip(needed, reason=f'needs {needed}: pip install "gensim-sent2vec[serve]" selenium')
from selenium import webdriver  # noqa: E402
from selenium.common.exceptions import WebDriverException  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver (apt-get install chromium chromium-driver)"
)

FAQ = [
    ("how do i get my money back", "Refunds take three days."),
    ("비밀번호를 잊어버렸어요", "새 비밀번호를 만드세요."),
    ("heavy rain fell in the south", "It rained."),
    ("how do i <script>alert(1)</script>", "<img src=x onerror=alert(2)> <b>bold</b>"),
]
MINUS = "\N{MINUS SIGN}"
SCRIPT = "<script>alert(3)</script><img src=x onerror=alert(4)>"


@pytest.fixture(scope="module")
def server(lee_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("service")
    lee_model.wv.save(folder / "model.s2v")
    index = SentenceIndex.build(lee_model.wv, [q for q, _ in FAQ], keys=[a for _, a in FAQ], lexical=True)
    index.save(folder / "index")
    with Server(folder / "model.s2v", folder / "index", "--workers", 1) as server:
        server.url  # noqa: B018 (waits)
        yield server


@pytest.fixture(scope="module")
def open_browser():
    """``open_browser(language)`` opens Chromium with a preferred language."""
    browsers = []

    def open_(language: str) -> webdriver.Chrome:
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
            options.add_argument(argument)
        options.add_argument(f"--lang={language}")
        options.add_experimental_option("prefs", {"intl.accept_languages": language})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        try:
            browsers.append(webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER)))
        except WebDriverException as error:
            pytest.skip(f"Chromium does not start here: {str(error.msg).splitlines()[0]}")
        return browsers[-1]

    yield open_
    for browser in browsers:
        browser.quit()


@pytest.fixture(scope="module")
def browser(open_browser):
    return open_browser("en-US")


@pytest.fixture
def page(browser, server):
    """The page, newly loaded. Checks that no script fails and that nothing is blocked."""
    browser.get_log("browser")
    browser.get(server.url)
    yield Page(browser)
    unexpected = [entry for entry in browser.get_log("browser") if " 422 " not in entry["message"]]
    assert not unexpected  # the browser logs refused requests


class Page:
    """The page as a person uses it."""

    def __init__(self, browser) -> None:
        self.browser = browser

    def all(self, selector: str) -> list:
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def texts(self, selector: str) -> list[str]:
        return [element.text for element in self.all(selector)]

    @property
    def status(self) -> str:
        return self.all("#status")[0].text

    def ask(self, query: str) -> None:
        box = self.all("#query")[0]
        box.clear()
        box.send_keys(query, Keys.ENTER)
        self.wait()

    def paste(self, query: str) -> None:
        """Enter a long text at once."""
        self.browser.execute_script("document.getElementById('query').value = arguments[0]", query)
        self.all("form button")[0].click()
        self.wait()

    def wait(self) -> None:
        until(lambda: self.status and "…" not in self.status)


def test_typing_shows_ranked_answers_and_words(page):
    page.ask("i want my money back")
    assert page.status == f"{len(FAQ)} answers"
    assert page.texts(".answer")[0] == "Refunds take three days."
    assert page.texts(".question")[0] == "how do i get my money back"
    scores = [float(text.replace(MINUS, "-")) for text in page.texts(".score")]
    assert scores == sorted(scores, reverse=True) and 0 < scores[0] <= 1
    assert page.texts(".parts")[0].startswith("meaning ")
    words = [re.sub(rf"\s*[+{MINUS}]?\d\.\d\d$", "", text) for text in page.texts("li:first-child .word")]
    assert words == ["i", "want", "my", "money", "back"]
    shares = {w: float(t.replace(MINUS, "-")) for w, t in zip(words, page.texts("li:first-child .word small"))}
    assert min(shares["my"], shares["money"], shares["back"]) > 0.05 > shares["want"]


def test_an_empty_query(page):
    for blank in ("", "   "):
        page.ask("rain")
        assert page.all("li")
        page.ask(blank)
        assert page.status == "Type a question first."
        assert not page.all("li")


def test_a_query_of_100_kb(page):
    page.paste("money " * 17_000)
    assert page.status.startswith("This question is too long. (422: queries[0]: at most 10,000 characters")
    assert not page.all("li")
    page.ask("rain")  # the page still works
    assert page.texts(".answer")[0] == "It rained."


def test_a_long_query_is_accepted(page):
    page.paste("rain " + "x" * 9000)
    assert page.all("li")
    assert page.browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")


def test_script_tags_are_text(page):
    page.ask(SCRIPT)
    assert "<script>alert(3)</script><img" in page.texts(".word")[0]
    assert "<img src=x onerror=alert(2)> <b>bold</b>" in page.texts(".answer")
    assert "how do i <script>alert(1)</script>" in page.texts(".question")
    assert not page.all("#results script, #results img, #results b")
    with pytest.raises(WebDriverException):  # no alert is open
        page.browser.switch_to.alert.dismiss()


def test_the_policy_blocks_injected_scripts(page):
    """If a text were ever treated as markup, its scripts would not run."""
    page.browser.execute_script(
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran = 1\">');"
        "const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s);"
    )
    until(lambda: any("Content Security Policy" in entry["message"] for entry in page.browser.get_log("browser")))
    assert page.browser.execute_script("return window.ran") is None
    page.browser.get_log("browser")


def test_languages(page, open_browser, server):
    assert page.texts("h1") == ["Questions and answers"]
    page.ask("rain")
    page.all("[data-language=ko]")[0].click()
    assert page.texts("h1") == ["질문과 답변"] and page.status == f"답변 {len(FAQ)}개"
    assert page.texts(".parts")[0].startswith("뜻 ")
    assert page.all("html")[0].get_attribute("lang") == "ko"
    korean = open_browser("ko-KR")
    korean.get(server.url)
    korean_page = Page(korean)
    assert korean_page.texts("h1") == ["질문과 답변"]
    korean_page.ask("비밀번호를 잊었어요")
    assert korean_page.texts(".answer")[0] == "새 비밀번호를 만드세요."
    korean_page.all("[data-language=en]")[0].click()
    assert korean_page.status == f"{len(FAQ)} answers"


def test_the_page_fits_a_phone(page):
    page.browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 320, "height": 640, "deviceScaleFactor": 2, "mobile": True}
    )
    try:
        page.ask("money back 비밀번호를 " + "y" * 200)
        assert page.all("li")
        assert page.browser.execute_script("return [document.documentElement.scrollWidth, innerWidth]") == [320, 320]
    finally:
        page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_the_api_documentation(page, server):
    page.browser.get(server.url + "/docs")
    until(lambda: len(page.all("section")) == 4)
    assert "/search" in page.texts("h2")[0]
    assert "hybrid" in page.texts("td")


def test_nothing_is_loaded_from_other_servers(page, server):
    page.browser.get_log("performance")
    page.ask("rain")
    page.browser.get(server.url + "/docs")
    until(lambda: page.all("section"))
    messages = [json.loads(entry["message"])["message"] for entry in page.browser.get_log("performance")]
    urls = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    assert urls and all(url.startswith((server.url, "data:")) for url in urls), urls
