"""Which configuration of IPython's has kernels load nbtrace: what a person has written there, not `nbtrace enable`.

Enters: folders of profiles. Leaves: files. They are read in a process of their own, as they are Python that may do anything."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from nbtrace.headless.startup import EXTENSION

_PATIENCE_S = 30.0


def configured(profiles: list[Path]) -> dict[Path, list[str]]:
    """Return for each folder of a profile the configuration files by which its kernels load nbtrace; those of the environment
    and the system, which hold in all, included. A file whose list another one replaces is not among them."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__, *map(str, profiles)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE_S,
            check=True,
        )
        return {folder: list(files) for folder, files in zip(profiles, json.loads(done.stdout), strict=True)}
    except (OSError, subprocess.SubprocessError, ValueError):
        return {}


def _files(profile: str) -> list[str]:
    from IPython.core.application import ENV_CONFIG_DIRS, SYSTEM_CONFIG_DIRS
    from traitlets.config import Config
    from traitlets.config.application import Application

    merged, found = Config(), []
    for name in ("ipython_config", "ipython_kernel_config"):
        for config, file in Application._load_config_files(name, path=[profile, *ENV_CONFIG_DIRS, *SYSTEM_CONFIG_DIRS]):
            if _loads(config):
                found.append(file)
            merged.merge(config)
    return found if _loads(merged) else []


def _loads(config: Any) -> bool:
    return any(EXTENSION in _list(config, trait) for trait in ("extensions", "extra_extensions"))


def _list(config: Any, trait: str) -> list[Any]:
    """What a configuration has kernels load: the section of the kernel's own replaces the general one, or adds to it."""
    found: list[Any] = []
    for section in ("InteractiveShellApp", "IPKernelApp"):
        value = config[section][trait] if section in config and trait in config[section] else found
        # `c.InteractiveShellApp.extensions.append(...)` adds to what others say.
        found = value.get_value(found) if hasattr(value, "get_value") else list(value)
    return found


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):
        answer = [_files(folder) for folder in sys.argv[1:]]
    print(json.dumps(answer))  # noqa: T201
