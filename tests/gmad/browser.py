"""A real browser for tests: headless Chromium over its DevTools protocol (websocket-client)."""

from __future__ import annotations

import contextlib
import itertools
import json
import shutil
import subprocess
import time

import websocket

FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage"]


def executable():
    """Where Chromium lies; without it no test of pages passes."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert found, "Chromium is missing; install it (Debian: apt-get install chromium)"
    return found


class Page:
    """One tab: evaluate JavaScript, press keys, click, wait; errors of the page are collected."""

    def __init__(self, socket, downloads):
        self.socket = socket
        self.numbers = itertools.count(1)
        self.errors = []
        self.requests = []
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))

    def call(self, method, **params):
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("method") == "Runtime.exceptionThrown":
                self.errors.append(message["params"]["exceptionDetails"])
            if message.get("method") == "Log.entryAdded" and message["params"]["entry"]["level"] == "error":
                self.errors.append(message["params"]["entry"])
            if message.get("method") == "Network.requestWillBeSent":
                self.requests.append(message["params"]["request"]["url"])
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]

    def run(self, code):
        result = self.call("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def until(self, code, seconds=20):
        end = time.monotonic() + seconds
        while not self.run(code):
            assert time.monotonic() < end, f"never true: {code}"
            time.sleep(0.02)

    def open(self, path):
        self.call("Page.navigate", url=path.as_uri())
        self.until("document.readyState === 'complete'")

    def reload(self):
        self.run("window.before = true")
        self.call("Page.reload")
        self.until("window.before === undefined && document.readyState === 'complete'")

    def key(self, key):
        text = {"text": key} if len(key) == 1 else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def click(self, selector):
        box = self.run(
            f"JSON.stringify(document.querySelector({json.dumps(selector)}).getBoundingClientRect())"
        )
        box = json.loads(box)
        at = {
            "x": box["x"] + box["width"] / 2,
            "y": box["y"] + box["height"] / 2,
            "button": "left",
            "clickCount": 1,
        }
        self.call("Input.dispatchMouseEvent", type="mousePressed", **at)
        self.call("Input.dispatchMouseEvent", type="mouseReleased", **at)


def _connect(address):
    return websocket.create_connection(address, timeout=30, suppress_origin=True)


@contextlib.contextmanager
def chromium(folder):
    """Start a browser with an empty profile in ``folder``; yields its page."""
    flags = [
        *FLAGS,
        f"--user-data-dir={folder / 'profile'}",
        "--remote-debugging-port=0",
        "--window-size=1200,800",
    ]
    process = subprocess.Popen(
        [executable(), *flags, "about:blank"], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    try:
        chosen = folder / "profile" / "DevToolsActivePort"
        end = time.monotonic() + 30
        while not (chosen.exists() and "\n" in chosen.read_text()):
            assert time.monotonic() < end, "Chromium did not start"
            time.sleep(0.05)
        port, path = chosen.read_text().split("\n")[:2]
        with contextlib.closing(_connect(f"ws://127.0.0.1:{port}{path}")) as browser:
            browser.send(
                json.dumps({"id": 1, "method": "Target.createTarget", "params": {"url": "about:blank"}})
            )
            target = json.loads(browser.recv())["result"]["targetId"]
            with contextlib.closing(_connect(f"ws://127.0.0.1:{port}/devtools/page/{target}")) as tab:
                yield Page(tab, folder)
    finally:
        process.terminate()
        process.wait(20)
