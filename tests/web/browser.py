#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""A real browser looks at synprint-web through the gateway: what it says, that its charts move, that
it works at any size and without JavaScript, and that axe-core finds nothing to object to. The
pictures are in build/web/ for people to look at. (Debian's own Python has Debian's selenium.)"""
import contextlib
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../netns"))
import lab  # noqa: E402
import traffic  # noqa: E402
import web  # noqa: E402
from selenium import webdriver  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

OUT = lab.BUILD / "web"
AXE = (OUT / "axe.min.js").read_text()
SITE = f"http://198.51.100.1:{web.PORT}"
SIZES = {"wide": (1280, 1000), "phone": (360, 780)}
# What a gateway meets besides visitors.
TOOLS = (("hping3", "-S", "-c", "1", "-p", "8080", "-a", lab.source4(700)),
         ("hping3", "-S", "-c", "1", "-p", "8080", "-s", "99", "-a", lab.source4(701)),
         ("nmap", "-sS", "-Pn", "-n", "-p", "8080", "-e", "c0", "-S", lab.source4(702)))


class Browser:
    def __init__(self, lab_, name, agent=None, dark=False, script=True):
        profile = OUT / f"profile-{os.getpid()}-{name}"
        shutil.rmtree(profile, ignore_errors=True)
        options = webdriver.ChromeOptions()
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
                         "--disable-background-networking", "--disable-component-update",
                         "--disable-sync", "--disable-dev-shm-usage", "--disable-extensions",
                         "--hide-scrollbars", f"--user-data-dir={profile}"):
            options.add_argument(argument)
        if agent:
            options.add_argument(f"--user-agent={agent}")
        if dark:
            options.add_argument("--force-dark-mode")
        if not script:
            options.add_experimental_option(
                "prefs", {"profile.managed_default_content_settings.javascript": 2})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        # The browser is one of the gateway's clients, and so are we, who talk to its driver.
        lab.set_namespace(f"/run/netns/{lab_.client}")
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        self.profile = profile
        lab_.adopt(self)
        if dark:
            self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
                "features": [{"name": "prefers-color-scheme", "value": "dark"}]})

    def size(self, name):
        width, height = SIZES[name]
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500})

    def get(self, path):
        self.driver.get(SITE + path)

    def text(self):
        return self.driver.find_element(By.TAG_NAME, "main").text

    def wait(self, condition, what, seconds=15):
        return WebDriverWait(self.driver, seconds).until(lambda _: condition(), what)

    def shot(self, name):
        height = self.driver.execute_script("return document.documentElement.scrollHeight")
        width = self.driver.execute_script("return window.innerWidth")
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": min(height, 6000), "deviceScaleFactor": 1,
            "mobile": width < 500})
        time.sleep(0.3)
        self.driver.save_screenshot(str(OUT / f"{name}.png"))

    def expect_fits(self, what):
        wide = self.driver.execute_script(
            "return document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{what} is {wide} pixels too wide"

    def expect_accessible(self, what):
        self.driver.execute_script(AXE)
        found = self.driver.execute_async_script(
            "axe.run(document, {resultTypes: ['violations']}).then(arguments[0])")
        text = "\n".join(f"{item['id']}: {item['help']}: "
                         f"{[node['html'][:120] for node in item['nodes'][:3]]}"
                         for item in found["violations"])
        assert not found["violations"], f"axe-core, {what}:\n{text}"

    def expect_quiet(self, what):
        """Nothing in the console, and no request to anywhere else."""
        said = [entry for entry in self.driver.get_log("browser") if entry["level"] != "DEBUG"]
        assert not said, f"{what}: {said}"
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] != "Network.requestWillBeSent":
                continue
            url = message["params"]["request"]["url"]
            assert url.startswith((SITE, "data:", "chrome:")), f"{what} asks {url}"

    def close(self):
        with contextlib.suppress(Exception):
            self.driver.quit()
        shutil.rmtree(self.profile, ignore_errors=True)


def visitor_page(lab_):
    daemon = lab_.daemon().start()
    site = web.Web(lab_, daemon)
    populate(lab_, 40)
    honest = Browser(lab_, "honest", web.LINUX)
    honest.get("/")
    assert "most likely is" in honest.text() and "Linux" in honest.text(), honest.text()
    assert "That fits the first packet" in honest.text(), honest.text()
    honest.driver.refresh()
    for size in SIZES:
        honest.size(size)
        honest.expect_fits(f"/ {size}")
        honest.expect_accessible(f"/ {size}")
        honest.shot(f"home-{size}")
    assert "of clients" in honest.text(), honest.text()
    honest.expect_quiet("/")
    liar = Browser(lab_, "liar", web.WINDOWS, dark=True)
    liar.size("wide")
    liar.get("/")
    assert "Windows" in liar.text() and "does not fit" in liar.text(), liar.text()
    liar.expect_accessible("/ with a lie, dark")
    liar.shot("home-lie-dark")
    liar.expect_quiet("/ with a lie")
    plain = Browser(lab_, "plain", web.LINUX, script=False)
    plain.get("/")
    assert "Linux" in plain.text(), "without JavaScript"
    daemon.stop()
    liar.get("/")
    assert "does not answer" in liar.text(), liar.text()
    liar.expect_accessible("/ without synprintd")
    assert site.process.poll() is None


def populate(lab_, count):
    """Clients from many addresses, some of them tools, one behind a small packet size."""
    lab_.adopt(traffic.Server(lab_.server))
    for number in range(count):
        traffic.connect(lab_.client, lab.SERVER4, source=lab.source4(number + 10))
    for command in TOOLS:
        lab.sh(*command, lab.SERVER4, namespace=lab_.client, check=False)
    lab_.ip(lab_.client, "route change default via 198.51.100.1 advmss 1380")
    for number in range(count // 4):
        traffic.connect(lab_.client, lab.SERVER4, source=lab.source4(number + 500))
    lab_.ip(lab_.client, "route change default via 198.51.100.1")


class Visitors(threading.Thread):
    """Connections that go on, more of them with the seconds."""

    def __init__(self, lab_):
        super().__init__(daemon=True)
        self.lab, self.is_over = lab_, False
        self.start()

    def run(self):
        lab.set_namespace(f"/run/netns/{self.lab.client}")
        turn = 0
        while not self.is_over:
            for _ in range(5 + turn % 40):
                with contextlib.suppress(OSError), socket.socket() as conn:
                    conn.bind((lab.source4(random.randrange(2000)), 0))
                    conn.settimeout(1)
                    conn.connect((lab.SERVER4, lab.PORT))
            turn += 3
            time.sleep(0.25)

    def close(self):
        self.is_over = True
        self.join(5)


def chart_sum(browser):
    return browser.driver.execute_script(
        "return synChart.data.datasets.reduce((n, set) => n + set.data.reduce((a, b) => a + b, 0), 0)")


def is_drawn(browser, canvas):
    """Whether there is more than one colour in it."""
    return browser.driver.execute_script("""
        const canvas = document.getElementById(arguments[0]);
        const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        const seen = new Set();
        for (let i = 0; i < data.length; i += 4 * 37)
            seen.add(data[i] << 16 | data[i + 1] << 8 | data[i + 2]);
        return seen.size > 3""", canvas)


def log_in(browser):
    browser.get("/live")
    assert browser.driver.current_url == f"{SITE}/login", browser.driver.current_url
    browser.expect_accessible("/login")
    browser.shot("login")
    field = browser.driver.find_element(By.ID, "token")
    field.send_keys("x" * 20)
    field.submit()
    browser.wait(lambda: "not the token" in browser.text(), "a wrong token is said")
    browser.expect_accessible("/login, refused")
    field = browser.driver.find_element(By.ID, "token")
    field.send_keys(web.TOKEN)
    field.submit()
    browser.wait(lambda: browser.driver.current_url == f"{SITE}/live", "the token lets in")
    assert web.TOKEN not in browser.driver.page_source


def gateway_page(lab_):
    daemon = lab_.daemon().start()
    site = web.Web(lab_, daemon)
    populate(lab_, 40)
    browser = Browser(lab_, "gateway", web.LINUX)
    browser.size("wide")
    log_in(browser)
    # The console remembers the page that said no to a wrong token.
    browser.driver.get_log("browser")
    lab_.adopt(Visitors(lab_))
    browser.wait(lambda: chart_sum(browser) > 50, "the chart has connections")
    first = chart_sum(browser)
    browser.wait(lambda: chart_sum(browser) > first, "the chart moves")
    assert is_drawn(browser, "syn-chart") and is_drawn(browser, "mtu-chart"), "both are drawn"
    browser.wait(lambda: "hping" in browser.text(), "the scanner is among the suspects")
    assert "1420" in browser.text() and "New connections are looked at" in browser.text()
    time.sleep(float(os.environ.get("PICTURE_SECONDS", 3)))  # the longer, the fuller the charts
    for size in SIZES:
        browser.size(size)
        time.sleep(1.5)
        browser.expect_fits(f"/live {size}")
        browser.expect_accessible(f"/live {size}")
        browser.shot(f"live-{size}")
    browser.size("wide")
    # The list is made anew each second, but not under whoever is on a link in it.
    browser.driver.execute_script("document.querySelector('#suspects a').focus()")
    browser.driver.find_element(By.CSS_SELECTOR, "#suspects a").click()
    browser.wait(lambda: "The evidence" in browser.text() or "not kept" in browser.text(),
                 "the suspect is explained")
    browser.expect_accessible("/client")
    browser.shot("client")
    browser.expect_quiet("/live")
    dark = Browser(lab_, "dark", web.LINUX, dark=True)
    dark.size("wide")
    log_in(dark)
    dark.wait(lambda: chart_sum(dark) > 20, "the chart has connections")
    dark.expect_accessible("/live dark")
    dark.shot("live-dark")
    daemon.stop()
    browser.get("/live")
    assert "synprintd does not answer" in browser.text(), browser.text()
    assert site.process.poll() is None


def without_the_library(lab_):
    daemon = lab_.daemon().start()
    site = web.Web(lab_, daemon, 'chart = "/nonexistent";')
    assert "tables instead of charts" in site.log(), site.log()
    populate(lab_, 10)
    site.unix("/live")
    browser = Browser(lab_, "tables", web.LINUX)
    browser.size("wide")
    log_in(browser)
    browser.driver.get_log("browser")
    browser.wait(lambda: "1500 Ethernet" in browser.text(), "the tables are filled")
    assert not browser.driver.find_element(By.ID, "syn-chart").is_displayed()
    browser.expect_accessible("/live without charts")
    browser.expect_quiet("/live without charts")


if __name__ == "__main__":
    lab.run(visitor_page, gateway_page, without_the_library)
