"""A real browser for tests: Chromium over its debugging protocol, and a server of a folder."""

import base64
import contextlib
import functools
import http.server
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from local_server import local_server

SWITCHES = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --force-device-scale-factor=1 "
    "--remote-debugging-port=0 --remote-allow-origins=*"
)


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on a free port of this machine; give its address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with local_server(functools.partial(Quiet, directory=str(folder))) as address:
        yield address


@contextlib.contextmanager
def browser(folder: Path) -> Iterator["Page"]:
    """Start Chromium with its files in a folder; give its page. Skips the test where it is not installed."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    command = [chromium, *SWITCHES.split(), f"--user-data-dir={folder / 'user'}", "about:blank"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield from _page(folder / "user" / "DevToolsActivePort")
    finally:
        process.terminate()
        process.wait(20)


def _page(ready: Path) -> Iterator["Page"]:
    import urllib.request

    import websocket

    end = time.monotonic() + 60
    while not (ready.is_file() and ready.read_text().count("\n")):
        assert time.monotonic() < end, "the browser did not start"
        time.sleep(0.05)
    port = ready.read_text().split("\n")[0]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
        target = next(one for one in json.load(answer) if one["type"] == "page")
    connection = websocket.create_connection(target["webSocketDebuggerUrl"], timeout=60)
    try:
        yield Page(connection)
    finally:
        connection.close()


class Page:
    """A page of the browser.

    Parameters
    ----------
    connection : websocket.WebSocket
        To the page's target.
    """

    def __init__(self, connection: Any) -> None:
        self._connection, self._number = connection, 0
        self.requests: list[str] = []
        self.complaints: list[str] = []
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the debugging protocol and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        self._connection.send(json.dumps(message))
        while True:
            answer = json.loads(self._connection.recv())
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer.get('error')}"
                result: dict[str, Any] = answer["result"]
                return result
            self._note(answer)

    def _note(self, event: dict[str, Any]) -> None:
        kind, content = event.get("method"), event.get("params", {})
        if kind == "Network.requestWillBeSent":
            self.requests.append(content["request"]["url"])
        elif kind == "Runtime.exceptionThrown":
            self.complaints.append(content["exceptionDetails"]["text"])
        elif kind == "Log.entryAdded" and content["entry"]["level"] == "error":
            self.complaints.append(f"{content['entry']['text']} {content['entry'].get('url', '')}")

    def open(self, address: str, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Open an address in a window of a size, in light or dark mode, and wait until it is drawn."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url=address)
        self.wait(f"document.readyState === 'complete' && location.href.startsWith({json.dumps(address)})")

    def value(self, script: str) -> Any:
        """Return the value of an expression of JavaScript; a promise is awaited."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, script: str, seconds: float = 60) -> None:
        """Wait until an expression of JavaScript is true."""
        end = time.monotonic() + seconds
        while not self.value(script):
            assert time.monotonic() < end, f"never true: {script}"
            time.sleep(0.05)

    def click(self, selector: str) -> None:
        """Click with the mouse on the first element of a selector of CSS."""
        element = f"document.querySelector({json.dumps(selector)})"
        self.value(f"{element}.scrollIntoView({{block: 'center'}})")
        box = self.value(f"{element}.getBoundingClientRect().toJSON()")
        place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **place)

    def write(self, text: str) -> None:
        """Type a text into what has the focus."""
        self.call("Input.insertText", text=text)

    def picture(self, path: Path, whole: bool = False) -> None:
        """Write a PNG of the window, or of the whole page."""
        answer = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(answer["data"]))
