"""The service's page, in Chromium."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import Any

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

    def run(self, script: str, *arguments: Any) -> Any:
        return self.browser.execute_script(script, *arguments)

    @property
    def box(self) -> Any:
        return self.all("#query")[0]

    @property
    def chosen(self) -> str | None:
        """The text of the option that the keyboard has chosen, as a screen reader finds it."""
        name = self.box.get_attribute("aria-activedescendant")
        selected = self.all('[role="option"][aria-selected="true"]')
        assert [option.get_attribute("id") for option in selected] == ([name] if name else [])
        return selected[0].text if selected else None

    def type(self, *keys: str) -> None:
        """Type without Enter."""
        self.box.send_keys(*keys)

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


# ---------------------------------------------------------------------------------------------------
# The start


def test_it_starts_with_samples_from_the_index(page):
    until(lambda: page.all("#samples > *"))
    assert page.texts("#held") == [f"Searches {len(FAQ)} questions"]
    assert set(page.texts("#samples > *")) == {question for question, _ in FAQ}
    assert page.run("return document.activeElement.id") == "query"
    sample = page.all("#samples > *")[0]
    question = sample.text
    sample.click()
    page.wait()
    assert page.box.get_attribute("value") == question == page.texts(".question")[0]
    assert not page.all("#start")[0].is_displayed()
    page.all("#clear")[0].click()
    assert page.all("#start")[0].is_displayed() and not page.all("#results li") and page.status == ""


# ---------------------------------------------------------------------------------------------------
# Typing


def test_typing_searches_without_enter(page):
    page.type("mon")
    until(lambda: page.status == f"{len(FAQ)} answers")
    page.type("ey back")
    until(lambda: page.texts("mark") == ["money", "back"])
    assert page.texts(".answer")[0] == "Refunds take three days."
    page.type(*[Keys.BACKSPACE] * 10)
    until(lambda: not page.all("li"))
    assert page.status == "" and page.all("#start")[0].is_displayed()


def count_searches(page, delays: list[int]) -> None:
    """Delay the answers of the next searches by so many milliseconds, and count in ``sent``. Aborting has no effect."""
    page.run(
        "const original = fetch, delays = [...arguments[0]]; window.sent = []; window.answered = 0;"
        "window.fetch = async (url, options) => { if (url !== 'search') return original(url, options);"
        "  sent.push(JSON.parse(options.body).query); const delay = delays.shift() || 0;"
        "  const reply = await original(url, { ...options, signal: undefined });"
        "  await new Promise(done => setTimeout(done, delay)); answered++; return reply; }",
        delays,
    )


def test_fast_typing_is_one_search(page):
    count_searches(page, [])
    page.run("for (const letter of 'heavy rain') { query.value += letter; query.dispatchEvent(new Event('input')); }")
    until(lambda: page.all("li"))
    assert page.run("return sent") == ["heavy rain"]


def test_the_last_answer_wins(page):
    count_searches(page, [600, 0])
    page.type("rain")
    until(lambda: page.run("return sent") == ["rain"])
    page.type(Keys.BACKSPACE, Keys.BACKSPACE, Keys.BACKSPACE, Keys.BACKSPACE, "money back")
    until(lambda: page.texts(".answer")[:1] == ["Refunds take three days."])
    until(lambda: page.run("return answered") == len(page.run("return sent")))
    assert page.texts(".answer")[0] == "Refunds take three days." and page.status == f"{len(FAQ)} answers"


def test_an_answer_that_comes_after_clearing_is_dropped(page):
    count_searches(page, [400])
    page.type("rain")
    until(lambda: page.run("return sent"))
    page.type(Keys.ESCAPE)
    until(lambda: page.run("return answered"))
    assert page.box.get_attribute("value") == "" and not page.all("li") and page.status == ""


# ---------------------------------------------------------------------------------------------------
# Keyboard


def test_keys(page):
    page.ask("rain")
    assert page.chosen is None and page.texts(".open .answer") == ["It rained."]
    page.type(Keys.ARROW_DOWN)
    assert "It rained." in page.chosen
    page.type(Keys.ENTER)
    assert page.texts(".open") == []
    page.type(Keys.ARROW_DOWN, Keys.ENTER)
    assert page.texts(".open .answer") == page.texts(".answer")[1:2]
    page.type(Keys.ARROW_UP, Keys.ARROW_UP, Keys.ARROW_UP)
    assert page.chosen is None
    page.type(*[Keys.ARROW_DOWN] * 9)
    assert page.texts(".answer")[-1] in page.chosen
    assert page.run("return document.activeElement.id") == "query"
    page.type(Keys.ESCAPE)
    assert page.chosen is None and page.all("li")
    page.type(Keys.ESCAPE)
    assert not page.all("li") and page.box.get_attribute("value") == ""
    page.type(Keys.ARROW_DOWN)
    sample = page.chosen
    page.type(Keys.ENTER)
    page.wait()
    assert page.texts(".question")[0] == sample


def test_a_slash_goes_to_the_box(page):
    page.ask("rain")
    page.run("document.activeElement.blur()")
    page.all("body")[0].send_keys("/")
    assert page.run("return document.activeElement.id") == "query"
    page.type("/")  # in the box it is a character; the text was selected, so it is replaced
    assert page.box.get_attribute("value") == "/"


# ---------------------------------------------------------------------------------------------------
# Marks


@pytest.mark.parametrize(
    "text, words, marks",
    [
        ("Refunds: how?", ["refund"], ["Refund"]),
        ("refund refunded unrefunded", ["refunds"], ["refund", "refund"]),
        ("비밀번호를 잊었다", ["비밀번호가"], ["비밀번호"]),
        ("돈을 이유", ["돈이", "이"], []),
        ("the then i is", ["i", "the"], ["the", "i"]),
        ("Straße İstanbul", ["straße", "i\u0307stanbul"], ["Straße", "İstanbul"]),
        ("<b>bold</b> & <mark>", ["b", "mark"], ["b", "b", "mark"]),
        ("", ["a"], []),
    ],
)
def test_marked_words(page, text, words, marks):
    script = "const e = element('p', '', ...marked(arguments[0], arguments[1])); return [e.textContent, e.innerHTML]"
    shown, markup = page.run(script, text, words)
    assert shown == text and re.findall("<mark>(.*?)</mark>", markup) == marks


def test_words_that_do_not_help_are_not_marked(page):
    page.ask("i want my money back")
    assert {"money", "back"} <= set(page.texts("li:first-child mark"))
    chips = {word.split()[0]: word.split()[1] for word in page.texts("li:first-child .word")}
    assert all(chips[word].startswith("+") for word in page.texts("li:first-child mark"))


# ---------------------------------------------------------------------------------------------------
# The address


def test_the_address_holds_the_query(page, server):
    def link() -> str:
        return page.run("return location.search && new URLSearchParams(location.search).get('q')")

    page.ask("비밀번호 & 100% rain?")
    assert link() == "비밀번호 & 100% rain?" and "rain" in page.run("return document.title")
    page.type(" x")
    until(lambda: link() == "비밀번호 & 100% rain? x")
    page.browser.back()
    until(lambda: page.box.get_attribute("value") == "비밀번호 & 100% rain?")
    page.browser.back()
    until(lambda: page.box.get_attribute("value") == "")
    assert link() == "" and not page.all("li")
    page.browser.get(server.url + "/?q=money%20back&other=1")
    page.wait()
    assert page.box.get_attribute("value") == "money back" and page.texts(".answer")[0] == "Refunds take three days."
    page.browser.get(server.url + "/?q=" + "%3Cscript%3Ealert(5)%3C/script%3E")
    page.wait()
    assert page.box.get_attribute("value") == "<script>alert(5)</script>"
    page.paste("rain " * 500)
    assert page.all("li") and link() == ""
    page.run("ask('rain \\ud800')")
    until(lambda: "surrogate" in page.status)
    assert link() == "rain "


# ---------------------------------------------------------------------------------------------------
# Errors


def test_a_server_that_does_not_answer(page):
    page.run("window.original = fetch; window.fetch = () => Promise.reject(new TypeError('no'))")
    page.ask("rain")
    assert page.status == "The server is not responding." and not page.all("li")
    page.run("window.fetch = original")
    page.all("#again")[0].click()
    page.wait()
    assert page.texts(".answer")[0] == "It rained." and not page.all("#again")[0].is_displayed()


@pytest.mark.parametrize(
    "status, body, shown, retry",
    [
        (503, '{"error": "busy", "detail": "later"}', "The server is busy. (503: later)", True),
        (502, "<html>Bad gateway</html>", "Something went wrong. (502)", True),
        (200, "<html>log in</html>", "Something went wrong. (200)", False),
        (422, '{"error": "invalid", "detail": "<b>no</b>"}', "Something went wrong. (422: <b>no</b>)", False),
    ],
)
def test_other_errors(page, status, body, shown, retry):
    page.run("window.fetch = async () => new Response(arguments[0], {status: arguments[1]})".replace(
        "arguments[0]", json.dumps(body)).replace("arguments[1]", str(status)))  # fmt: skip
    page.ask("rain")
    assert page.status == shown and page.all("#again")[0].is_displayed() == retry
    assert not page.all("#message b")


def test_questions_with_the_same_answer_are_one_card(page):
    page.run(
        "window.fetch = async () => Response.json({known: true, results: [['b', 1, 'q1'], ['a', .5, 'q2'],"
        " ['b', .4, 'q3'], [7, .3, 'q4'], [7, .2, 'q5'], ['q6', .1, 'q6']].map(([key, score, sentence]) =>"
        " ({key, score, sentence, cosine: score, lexical: null, words: null}))})"
    )
    page.ask("x")
    assert page.status == "5 answers"
    assert page.texts(".answer") == ["b", "a", "#7", "#7", "q6"]
    assert page.texts(".question") == ["q1", "q2", "q4", "q5", "q6"]
    assert page.texts("li:first-child .also") == ["q3"]
    tops = (
        "[...document.querySelectorAll(arguments[0])].map(element => Math.round(element.getBoundingClientRect().top))"
    )
    assert page.run(f"return {tops}", ".question") == page.run(f"return {tops}", ".score")


# ---------------------------------------------------------------------------------------------------
# For all people


def emulate(browser, **features: str) -> None:
    values = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": values})


CONTRAST = """
const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
canvas.canvas.width = canvas.canvas.height = 1;
const linear = value => value <= .04045 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4;
const luminance = () => {
  const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map(value => linear(value / 255));
  return .2126 * r + .7152 * g + .0722 * b;
};
const fill = color => { canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); };
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), low = [];
while (walker.nextNode()) {
  const node = walker.currentNode, of = node.parentElement;
  if (!node.data.trim() || !of.checkVisibility() || of.closest('script, style, noscript')) continue;
  const parents = [];
  for (let e = of; e; e = e.parentElement) parents.unshift(getComputedStyle(e).backgroundColor);
  parents.forEach(fill);
  const back = luminance();
  fill(getComputedStyle(of).color);
  const front = luminance(), ratio = (Math.max(back, front) + .05) / (Math.min(back, front) + .05);
  if (ratio < 4.5) low.push(node.data + ' ' + ratio.toFixed(2));
}
return low;
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(page, scheme):
    """At least 4.5 for all texts, as WCAG AA asks for."""
    emulate(page.browser, prefers_color_scheme=scheme)
    try:
        grounds = {"light": "rgb(245, 246, 248)", "dark": "rgb(18, 21, 27)"}
        assert page.run("return getComputedStyle(document.body).backgroundColor") == grounds[scheme]
        assert page.run(CONTRAST) == []
        page.all("summary")[0].click()
        page.ask("i want my money back")
        page.type(Keys.ARROW_DOWN)
        assert page.run(CONTRAST) == []
        page.paste("x" * 20_000)
        assert page.all("#status.bad") and page.run(CONTRAST) == []
    finally:
        emulate(page.browser)


def test_names_for_screen_readers(page):
    page.ask("rain")
    assert page.box.accessible_name == "Type your question" and page.box.aria_role == "combobox"
    assert page.box.get_attribute("aria-controls") == "results" and page.box.get_attribute("aria-expanded") == "true"
    assert page.all("#results")[0].accessible_name == "Answers"
    assert {option.aria_role for option in page.all("#results > *")} == {"option"}
    assert all(button.accessible_name for button in page.all("button") if button.is_displayed())
    assert page.all("#status")[0].get_attribute("aria-live") == "polite"
    page.all("[data-language=ko]")[0].click()
    assert page.box.accessible_name == "질문을 입력하세요" and page.all("#clear")[0].accessible_name == "지우기"
    page.ask(" ")
    assert page.box.get_attribute("aria-controls") == "samples"
    assert page.all("#samples")[0].accessible_name == "이런 질문은 어떠세요?"


def test_focus_is_visible(page):
    page.ask("rain")
    reached = []
    for _ in range(4):
        reached.append(page.run("return document.activeElement.id || document.activeElement.tagName"))
        style = "getComputedStyle(document.activeElement)"
        assert page.run(f"return [{style}.outlineStyle, {style}.boxShadow]") != ["none", "none"], reached
        page.browser.switch_to.active_element.send_keys(Keys.TAB)
    assert reached[0] == "query" and {"BUTTON", "clear", "SUMMARY"} <= set(reached)


@pytest.fixture
def api_page(page, server):
    page.browser.get(server.url + "/docs")
    until(lambda: len(page.all("section")) == 5)
    return page


def test_the_api_documentation(api_page, server):
    assert "/search" in api_page.texts("h2")[0]
    assert "hybrid" in api_page.texts("td")
    shown = api_page.texts("main")[0]
    assert "`" not in shown and "undefined" not in shown
    assert {"queries", "sentences", "false"} <= set(api_page.texts("td code"))
    assert "Errors: 400, 408, 413, 415, 421, 422, 500, 503, with a Problem" in api_page.texts("h3")
    command = api_page.texts("pre")[0]
    assert [line.split()[0] for line in command.splitlines()] == ["curl", "-H", "-d"]
    if shutil.which("curl") and shutil.which("bash"):
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
        assert json.loads(done.stdout)["results"][0]["key"] == "Refunds take three days."


def test_the_api_documentation_has_no_empty_column(api_page):
    for table in api_page.all("table"):
        cells = "return [...arguments[0].rows].map(row => [...row.cells].map(cell => cell.textContent))"
        rows = api_page.run(cells, table)
        assert all(any(cells) for cells in zip(*rows[1:])), rows
        assert "default" not in rows[0]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_api_documentation_fits_a_phone(api_page, scheme):
    api_page.browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 320, "height": 640, "deviceScaleFactor": 2, "mobile": True}
    )
    emulate(api_page.browser, prefers_color_scheme=scheme)
    try:
        assert api_page.run("return document.documentElement.scrollWidth") == 320
        assert api_page.run("return [...document.querySelectorAll('pre')].every(e => e.scrollWidth <= e.clientWidth)")
        assert api_page.run(CONTRAST) == []
    finally:
        emulate(api_page.browser)
        api_page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_nothing_is_loaded_from_other_servers(page, server):
    page.browser.get_log("performance")
    page.ask("rain")
    page.browser.get(server.url + "/docs")
    until(lambda: page.all("section"))
    messages = [json.loads(entry["message"])["message"] for entry in page.browser.get_log("performance")]
    urls = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    assert urls and all(url.startswith((server.url, "data:")) for url in urls), urls
