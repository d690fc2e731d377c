"""A real tracking server on loopback, and a guard before it that wants a user and a password."""

import base64
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from local_server import local_server


class Server:
    """``mlflow server`` with SQLite behind it, in a process group of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}"
        self.process = None

    def start(self) -> None:
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--backend-store-uri", f"sqlite:///{self.folder}/mlflow.db", "--workers", "1"]
        command += ["--artifacts-destination", str(self.folder / "files"), "--serve-artifacts"]
        environment = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"}
        environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"  # a dozen processes for what nobody asks
        environment.pop("MLFLOW_TRACKING_URI", None)
        with (self.folder / "server.log").open("a") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self.folder, env=environment, start_new_session=True
            )
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.uri}/health", timeout=1):
                    return
            except OSError:
                time.sleep(0.2)
        raise TimeoutError((self.folder / "server.log").read_text())

    def stop(self) -> None:
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


class Guard(BaseHTTPRequestHandler):
    """Hands requests with the right password on to a server, and refuses the others."""

    port: int | None = None
    refusing = 401

    def answer(self) -> None:
        """Answer a request of any method."""
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        right = "Basic " + base64.b64encode(b"ada:right").decode()
        if self.port is None or self.headers.get("Authorization") != right:
            return self._send(self.refusing, b"You are not authenticated.", {})
        onward = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        headers = {name: value for name, value in self.headers.items() if name != "Host"}
        onward.request(self.command, self.path, body, headers)
        reply = onward.getresponse()
        content = reply.read()
        onward.close()
        return self._send(reply.status, content, {"Content-Type": reply.getheader("Content-Type", "")})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815  (names of http.server)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def guarded(port: int | None = None, refusing: int = 401) -> Iterator[str]:
    """Yield the address of a guard before a port; without a port it refuses everybody."""
    with local_server(type("PortGuard", (Guard,), {"port": port, "refusing": refusing})) as address:
        yield address
