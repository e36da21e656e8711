"""A real JupyterLab on the loopback, and a notebook in it, driven as a person does. Waits for JupyterLab's own state."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

CHROMIUM = os.environ.get("NBTRACE_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
TIMEOUT_MS = 30_000


@dataclass(frozen=True)
class Lab:
    """A running server."""

    url: str
    token: str
    root: Path


@contextmanager
def lab_server(root: Path, *, dark: bool = False) -> Iterator[Lab]:
    """Start a server with settings of its own, on a free port; ask nobody outside."""
    state = Path(tempfile.mkdtemp(prefix="nbtrace-lab-"))
    token = secrets.token_hex(16)
    folders = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    }
    environment = os.environ | {name: str(state / folder) for name, folder in folders.items()}
    environment |= {"JUPYTER_PLATFORM_DIRS": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    overrides = {
        "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
        "@jupyterlab/apputils-extension:themes": {"theme": "JupyterLab Dark" if dark else "JupyterLab Light"},
        "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
    }
    settings = state / "config" / "labconfig" / "default_setting_overrides.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(overrides))
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0"]
    command += [f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={root}"]
    command += ["--LabApp.expose_app_in_browser=True", "--LabApp.extension_manager=readonly"]
    with (state / "server.log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield Lab(_url(server, state, token), token, root)
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
            shutil.rmtree(state, ignore_errors=True)


def _url(server: subprocess.Popen[bytes], state: Path, token: str) -> str:
    """Where the server listens, once it does."""
    deadline = time.monotonic() + 60
    found = state / "runtime" / f"jpserver-{server.pid}.json"
    while server.poll() is None and time.monotonic() < deadline:
        try:
            url: str = json.loads(found.read_text())["url"]
            urllib.request.urlopen(f"{url}api/status?token={token}", timeout=2).read()
            return url
        except (OSError, ValueError):
            with suppress(subprocess.TimeoutExpired):
                server.wait(0.1)
    raise RuntimeError((state / "server.log").read_text()[-4_000:])


class Notebook:
    """A notebook in its tab."""

    def __init__(self, page: Any, lab: Lab, name: str) -> None:
        self.page = page
        self.lab = lab
        self.name = name

    @classmethod
    def make(cls, page: Any, lab: Lab, name: str, *cells: str) -> Notebook:
        """Write a notebook of these cells and open it."""
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        book.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(book, lab.root / name)
        return cls(page, lab, name).open()

    def open(self) -> Notebook:
        """Load the page, and wait for the kernel."""
        url = f"{self.lab.url}lab/workspaces/{Path(self.name).stem}/tree/{self.name}?token={self.lab.token}&reset"
        self.page.goto(url, wait_until="domcontentloaded")
        self.page.wait_for_selector(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook", timeout=TIMEOUT_MS)
        self.page.wait_for_selector("#jupyterlab-splash", state="detached", timeout=TIMEOUT_MS)
        self.page.wait_for_function(
            """() => { const context = window.jupyterapp?.shell?.currentWidget?.context;
                return context?.isReady && context.sessionContext?.session?.kernel?.status === "idle"; }""",
            timeout=TIMEOUT_MS,
        )
        return self

    def start(self, cell: int) -> None:
        """Run a cell as a person does, and return at once."""
        self.page.locator(".jp-Notebook .jp-CodeCell").nth(cell).locator(".jp-InputArea-editor").click()
        self.page.keyboard.press("Shift+Enter")

    def wait(self, cell: int) -> None:
        """Wait for the end of a cell."""
        self.page.wait_for_function(
            """cell => { const model = window.jupyterapp.shell.currentWidget.content.widgets[cell].model;
                return model.executionCount !== null && model.executionState !== "running"; }""",
            arg=cell,
            timeout=TIMEOUT_MS,
        )

    def run(self, *cells: int) -> None:
        """Run cells, one after the other."""
        for cell in cells:
            self.start(cell)
            self.wait(cell)

    def running(self, cell: int) -> bool:
        """Whether a cell still runs."""
        code = "c => window.jupyterapp.shell.currentWidget.content.widgets[c].model.executionState === 'running'"
        return bool(self.page.evaluate(code, cell))

    def save(self) -> None:
        """Save the notebook."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
        self.page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")

    def inspector(self, number: int = 0) -> InspectorOnPage:
        """The inspector that has been drawn as the first, second …"""
        return InspectorOnPage(self.page, number)


class InspectorOnPage:
    """An inspector, seen from outside; canvases cannot be asked, so its session is."""

    def __init__(self, page: Any, number: int = 0) -> None:
        self.page = page
        self.element = page.locator(".nbt").nth(number)
        self.element.wait_for(timeout=TIMEOUT_MS)

    def ask(self, expression: str) -> Any:
        """Evaluate JavaScript about the session, `s`."""
        return self.element.evaluate(
            f"e => {{ const s = e.parentElement.parentElement.nbtrace; return {expression}; }}"
        )

    def until(self, expression: str) -> None:
        """Wait until that is true."""
        handle = self.element.element_handle()
        self.page.wait_for_function(
            f"e => {{ const s = e.parentElement.parentElement.nbtrace; return {expression}; }}",
            arg=handle,
            timeout=TIMEOUT_MS,
        )
        self.drawn()

    def drawn(self) -> None:
        """Wait until what has changed is drawn: it is with the next frame of the screen, and read after the one that follows."""
        self.element.evaluate(
            "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(null))))"
        )

    def key(self, *keys: str) -> None:
        """Press keys in the inspector."""
        self.element.focus()
        for key in keys:
            self.page.keyboard.press(key)
        self.drawn()

    def choice(self, label: str) -> Any:
        """The button of a choice, which says what is chosen."""
        return self.element.get_by_role("button", name=f"{label}: ")

    def choose(self, label: str, option: str | re.Pattern[str], number: int = 0) -> None:
        """Choose from a list as a hand does: the first option that is called so, the second …"""
        self.choice(label).click()
        self.element.get_by_role("option", name=option).nth(number).click()
        self.drawn()

    def names(self) -> list[str]:
        """The lines of the waterfall, as its table for screen readers has them."""
        found: list[str] = self.element.locator(".nbt-read tbody td:first-child").all_inner_texts()
        return [name.strip() for name in found]
