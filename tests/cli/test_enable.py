"""Kernels that load nbtrace of themselves: in real kernels of an environment that is made for the test."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nbtrace.headless.startup import NAME
from tests.cli.environments import Environment, make_environment
from tests.kernels.kernel import Kernel, start_kernel

_LOADED = "print(hasattr(get_ipython(), '_nbtrace_extension'))"


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """An environment, whose kernels are to be had by the name that notebooks have."""
    made = make_environment(tmp_path)
    made.kernelspec("python3")
    return made


@contextmanager
def _kernel(environment: Environment, *arguments: str) -> Iterator[Kernel]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.variables.items():
            patch.setenv(name, value)
        kernel = start_kernel(extra_arguments=list(arguments))
    try:
        yield kernel
    finally:
        kernel.stop()


def _file(environment: Environment) -> Path:
    return environment.prefix / "etc" / "ipython" / "startup" / NAME


def test_an_enabled_environment_traces_the_first_cell_and_says_nothing(environment: Environment) -> None:
    """A kernel is as after `%load_ext nbtrace`: its namespace holds nothing new, and `%unload_ext nbtrace` takes it out."""
    done = environment.nbtrace("enable")
    assert (done.returncode, done.stderr) == (0, "")
    with _kernel(environment) as kernel:
        assert kernel.run("print([name for name in dir() if 'nbtrace' in name])").output == ("[]\n", "", "", "", "")
        assert kernel.run("import nbtrace; print(nbtrace.cells()['source'][0])").stdout.startswith("print([name for")
        assert kernel.run("%unload_ext nbtrace").output == ("", "", "", "", "")
        assert "nbtrace" not in kernel.run("print([*get_ipython().magics_manager.magics['line']])").stdout


@pytest.mark.once
def test_what_a_person_has_configured_is_loaded_as_before(environment: Environment) -> None:
    """A list of extensions in a person's profile, and one on the kernel's command line, lose nothing, and nor does ours."""
    profile = environment.ipython / "profile_default"
    profile.mkdir()
    (profile / "ipython_config.py").write_text('c.InteractiveShellApp.extensions = ["autoreload"]\n')
    (profile / "ipython_kernel_config.json").write_text('{"IPKernelApp": {"exec_lines": ["mine = 1"]}}')
    environment.nbtrace("enable")
    with _kernel(environment, "--ext=IPython.extensions.storemagic") as kernel:
        assert kernel.run(
            _LOADED + "\nprint('autoreload' in get_ipython().magics_manager.magics['line'], mine)"
        ).stdout == ("True\nTrue 1\n")


@pytest.mark.once
def test_ipython_in_a_terminal_stays_as_it_is(environment: Environment) -> None:
    """Kernels alone are enabled."""
    environment.nbtrace("enable")
    done = environment.run("-m", "IPython", "--no-banner", "-c", "import sys; print('nbtrace' in sys.modules)")
    assert done.stdout.endswith("False\n")  # an older IPython writes the title of its window before


@pytest.mark.once
def test_enabled_twice_and_disabled_twice_is_done_once(environment: Environment) -> None:
    """The second time it says so, and nothing is left of what was made."""
    first, file = environment.nbtrace("enable"), _file(environment)
    written = _identity(file)
    second = environment.nbtrace("enable")
    assert first.stdout.startswith("Enabled in the environment")
    assert second.stdout.startswith("Enabled before in the environment")
    assert _identity(file) == written
    assert environment.nbtrace("disable").stdout == (
        f"Disabled in the environment {environment.prefix} (Python {_version()}).\n"
    )
    assert not (environment.prefix / "etc" / "ipython").exists()
    again = environment.nbtrace("disable")
    assert (again.returncode, again.stdout) == (
        0,
        f"Nothing to take back: not enabled in the environment {environment.prefix} (Python {_version()}).\n",
    )
    with _kernel(environment) as kernel:
        assert kernel.run(_LOADED).stdout == "False\n"


@pytest.mark.once
def test_files_of_others_at_the_same_place_are_run_and_left(environment: Environment) -> None:
    """An administrator's startup file stands beside ours, before and afterwards."""
    folder = _file(environment).parent
    folder.mkdir(parents=True)
    (folder / "10-site.py").write_text("site_is_here = True\n")
    environment.nbtrace("enable")
    with _kernel(environment) as kernel:
        assert kernel.run(_LOADED + "\nprint(site_is_here)").stdout == "True\nTrue\n"
    environment.nbtrace("disable")
    assert [each.name for each in folder.iterdir()] == ["10-site.py"]


@pytest.mark.once
def test_a_profile_is_enabled_for_its_owner_alone(environment: Environment) -> None:
    """Nothing is written into the environment, and `disable` says that the profile is another matter."""
    done = environment.nbtrace("enable", "--profile")
    file = environment.ipython / "profile_default" / "startup" / NAME
    assert done.stdout == (
        "Enabled in IPython's profile 'default': kernels load nbtrace when they start.\n"
        f"  By {file}, which `nbtrace disable --profile default` takes away.\n"
    )
    assert not (environment.prefix / "etc").exists()
    with _kernel(environment) as kernel:
        assert kernel.run(_LOADED).stdout == "True\n"
    assert environment.nbtrace("disable").stdout.splitlines()[1:] == [
        f"  Still enabled by {file}, which `nbtrace disable --profile default` takes away."
    ]
    assert environment.nbtrace("disable", "--profile").stdout == "Disabled in IPython's profile 'default'.\n"
    assert not file.exists()


@pytest.mark.once
@pytest.mark.parametrize("name", ["work", "../x", "wo\nrk", ""])
def test_a_profile_that_is_not_there_is_not_made(environment: Environment, name: str) -> None:
    """One line names those that there are, and how to make one."""
    done = environment.nbtrace("enable", "--profile", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"nbtrace: IPython has no profile {name!r} in {str(environment.ipython)!r}. There: default. "
        "Make it with  ipython profile create NAME\n"
    )
    assert list(environment.ipython.iterdir()) == []


@pytest.mark.once
@pytest.mark.parametrize("command", ["enable", "disable"])
@pytest.mark.parametrize("kind", ["edited", "folder", "binary", "link"])
def test_what_somebody_else_has_put_there_stays(environment: Environment, command: str, kind: str) -> None:
    """Neither overwritten nor deleted: one line says where it is."""
    file = _file(environment)
    if kind == "edited":
        environment.nbtrace("enable")
        file.write_text(file.read_text() + "import pandas as pd\n")
    else:
        file.parent.mkdir(parents=True)
        if kind == "folder":
            file.mkdir()
        elif kind == "binary":
            file.write_bytes(b"\xff\0")
        else:
            file.symlink_to(environment.prefix / "nowhere")
    before = _identity(file)
    done = environment.nbtrace(command)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"nbtrace: {str(file)!r} is not as `nbtrace enable` writes it, so it stays as it is. "
        "Look into it, and delete it yourself.\n"
    )
    assert _identity(file) == before


@pytest.mark.once
def test_an_environment_that_cannot_be_written_to_leads_to_the_profile(environment: Environment) -> None:
    """One line says what to type instead."""
    (environment.prefix / "etc").write_text("no folder\n")
    done = environment.nbtrace("enable")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"nbtrace: {str(_file(environment).parent)!r} cannot be written to: Not a directory. "
        "For your own kernels type  nbtrace enable --profile\n"
    )


@pytest.mark.once
def test_status_tells_places_files_and_whose_kernels_they_reach(tmp_path: Path, environment: Environment) -> None:
    """The environment, each profile with what its own configuration loads, and each kernelspec; nothing is changed."""
    (tmp_path / "bare").mkdir()
    bare = make_environment(tmp_path / "bare", filled=False)
    environment.kernelspec("bare", argv=[bare.python, "-m", "ipykernel_launcher", "-f", "{connection_file}"])
    environment.kernelspec("gone", argv=["/nowhere/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"])
    environment.kernelspec("script", argv=["./start.sh", "ipykernel", "{connection_file}"])
    environment.kernelspec("r", argv=["R", "{connection_file}"], language="R")
    broken = environment.kernelspec("torn") / "kernel.json"
    broken.write_text('{"argv": ')
    for profile, config in (
        ("default", "print('noise')\n"),
        ("mine", 'c.InteractiveShellApp.extensions.append("nbtrace")\n'),
        (
            "replaced",
            'c.InteractiveShellApp.extensions = ["nbtrace"]\nc.InteractiveShellApp.extensions = ["autoreload"]\n',
        ),
    ):
        folder = environment.ipython / f"profile_{profile}"
        folder.mkdir()
        (folder / "ipython_config.py").write_text(config)
    prefix, ipython = environment.prefix, environment.ipython
    kernels = [
        f"  bare     not loaded: another environment, {bare.prefix}, which has no nbtrace; type  {bare.python} -m pip install nbtrace",
        "  gone     cannot be told: its Python, /nowhere/python, does not answer",
        "  python3  {}",
        "  r        not loaded: it is not IPython's kernel, but one of r",
        "  script   cannot be told: its Python, ./start.sh, does not answer",
        f"  torn     cannot be read: {broken}",
    ]
    profiles = [
        f"3 profiles of IPython in {ipython}",
        "  default: not enabled",
        f"  mine: loaded by {ipython / 'profile_mine' / 'ipython_config.py'}",
        "  replaced: not enabled",
    ]
    for command, state, reached in (
        ("disable", "not enabled", "not loaded: this environment; type  nbtrace enable"),
        ("enable", f"enabled by {_file(environment)}", "loaded: this environment"),
    ):
        environment.nbtrace(command)
        done = environment.nbtrace("enable", "--status")
        found = [line for line in done.stdout.splitlines() if not line.startswith("  python3 ") or "this env" in line]
        assert found == [
            f"Environment {prefix}, Python {_version()}",
            f"  {state}",
            *profiles,
            "6 kernelspecs",
            *(line.format(reached) for line in kernels),
        ]
        assert (done.returncode, done.stderr) == (0, "")


def _identity(file: Path) -> tuple[int, int, int]:
    found = os.lstat(file)
    return found.st_ino, found.st_size, found.st_mtime_ns


def _version() -> str:
    return platform.python_version()
