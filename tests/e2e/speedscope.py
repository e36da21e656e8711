"""speedscope itself, as npm has it, installed once below the work folder that git ignores; opened as its command line does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from base64 import b64encode
from pathlib import Path
from typing import Any

VERSION = "1.25.0"
WORK = Path(__file__).parents[2] / ".ci" / "work"


def installed() -> Path | str:
    """Return the folder with its page, or why there is none."""
    home = WORK / f"speedscope-{VERSION}"
    page = home / "node_modules" / "speedscope" / "dist" / "release"
    if page.is_dir():
        return page
    npm = shutil.which("npm")
    if npm is None:
        return "speedscope needs npm on the PATH"
    WORK.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK, prefix="speedscope-") as beside:
        command = [npm, "install", "--prefix", beside, "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        done = subprocess.run([*command, f"speedscope@{VERSION}"], capture_output=True, text=True, timeout=150)
        if done.returncode:
            return f"npm could not install speedscope: {(done.stderr or done.stdout).strip()[-500:]}"
        try:
            os.rename(Path(beside) / "node_modules", _made(home) / "node_modules")
        except OSError:  # another test has been quicker
            pass
    return page


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


def open_profile(page: Any, home: Path, profile: Path) -> None:
    """Show a file in speedscope."""
    script = profile.with_suffix(".js")
    data = b64encode(profile.read_bytes()).decode("ascii")
    script.write_text(
        f"speedscope.loadFileFromBase64({json.dumps(profile.name)}, {json.dumps(data)})", encoding="utf-8"
    )
    page.goto(f"{(home / 'index.html').as_uri()}#localProfilePath={script}")
