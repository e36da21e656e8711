"""A real kernel of this environment, driven over its sockets, for tests of what a notebook does."""

from __future__ import annotations

import json
import queue
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from jupyter_client.manager import start_new_kernel

from tests.kernels.nursery import CAN_FORK, NURSERY

TIMEOUT_S = 60


@dataclass
class Reply:
    """What one execution gave back."""

    status: str = ""
    execution_count: int | None = None
    stdout: str = ""
    stderr: str = ""
    result: str = ""
    displayed: list[dict[str, Any]] = field(default_factory=list)
    traceback: list[str] = field(default_factory=list)
    ename: str = ""
    evalue: str = ""

    @property
    def output(self) -> tuple[str, str, str, str, str]:
        """Everything a person would see, comparable between two kernels."""
        return self.stdout, self.stderr, self.result, self.ename, self.evalue


class Kernel:
    """Runs cells and reads what the recording holds."""

    def __init__(self, manager: Any, client: Any) -> None:
        self.manager = manager
        self.client = client
        self._asked = ""

    def run(
        self, code: str, *, store_history: bool = True, silent: bool = False, cell_id: str = "", stdin: str = ""
    ) -> Reply:
        """Run a cell to its end."""
        return self.wait(
            self.start(code, store_history=store_history, silent=silent, cell_id=cell_id, stdin=bool(stdin)), stdin
        )

    def start(
        self,
        code: str,
        *,
        store_history: bool = True,
        silent: bool = False,
        cell_id: str = "",
        stdin: bool = False,
        subshell: str = "",
    ) -> str:
        """Start a cell, in the main shell or a subshell, and return its message id."""
        content = {
            "code": code,
            "silent": silent,
            "store_history": store_history,
            "user_expressions": {},
            "allow_stdin": stdin,
            "stop_on_error": False,
        }
        message = self.client.session.msg("execute_request", content, metadata={"cellId": cell_id} if cell_id else {})
        if subshell:
            message["header"]["subshell_id"] = subshell
        self.client.shell_channel.send(message)
        self._asked = code
        return str(message["header"]["msg_id"])

    def subshell(self) -> str | None:
        """Open a subshell and return its id; None where the kernel knows none."""
        self.client.control_channel.send(self.client.session.msg("create_subshell_request", {}))
        try:
            content = self.client.get_control_msg(timeout=10)["content"]
        except queue.Empty:
            return None
        return content.get("subshell_id") if content.get("status") == "ok" else None

    def wait(self, message_id: str, stdin: str = "", again_s: float = 0.0, reply: bool = True) -> Reply:
        """Collect the outputs of a cell up to its end; interrupt it again whenever `again_s` pass without one. `reply=False`:
        the kernel may send none."""
        found = Reply()
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            if stdin:
                try:
                    self.client.get_stdin_msg(timeout=0.05)
                    self.client.input(stdin)
                    stdin = ""
                except queue.Empty:
                    pass
            try:
                message = self.client.get_iopub_msg(timeout=0.2 if stdin else again_s or TIMEOUT_S)
            except queue.Empty:
                if again_s:
                    self.manager.interrupt_kernel()
                assert time.monotonic() < deadline, f"no end of {message_id}, last asked {self._asked!r}: {found}"
                continue
            if message["parent_header"].get("msg_id") != message_id:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                setattr(found, content["name"], getattr(found, content["name"]) + content["text"])
            elif kind == "execute_result":
                found.result = content["data"]["text/plain"]
            elif kind == "display_data":
                found.displayed.append(content["data"])
            elif kind == "error":
                found.traceback, found.ename, found.evalue = content["traceback"], content["ename"], content["evalue"]
            elif kind == "status" and content["execution_state"] == "idle":
                break
        while reply:
            shell = self.client.get_shell_msg(timeout=TIMEOUT_S)
            if shell["parent_header"].get("msg_id") == message_id:
                found.status = shell["content"]["status"]
                found.execution_count = shell["content"].get("execution_count")
                return found
        return found

    def completed(self, code: str, cursor: int | None = None) -> list[str]:
        """The cell as each completion at the cursor would leave it."""
        message_id = self.client.complete(code, len(code) if cursor is None else cursor)
        while True:
            reply = self.client.get_shell_msg(timeout=TIMEOUT_S)
            if reply["parent_header"].get("msg_id") == message_id:
                found = reply["content"]
                before, behind = code[: found["cursor_start"]], code[found["cursor_end"] :]
                return [before + match + behind for match in found["matches"]]

    def load(self) -> Kernel:
        """Load the extension, with its own faults raised instead of logged."""
        reply = self.run("from nbtrace import faults as _f; _f.RAISE = True\n%load_ext nbtrace")
        assert reply.output == ("", "", "", "", ""), reply
        return self

    def rows(self) -> list[dict[str, Any]]:
        """The finished spans, as the recording has them, without leaving a span of the question's own."""
        reply = self.run(_QUESTION, store_history=False, silent=True, cell_id="")
        reply = self.run("print(_nbtrace_rows)", store_history=False)
        found: list[dict[str, Any]] = json.loads(reply.stdout)
        return found

    def tree(self) -> list[Any]:
        """The finished spans as nested [name, [children]], in the order of their starts."""
        rows = self.rows()
        nodes = {row["span_id"]: [row["name"], []] for row in rows}
        roots: list[Any] = []
        for row in rows:
            parent = nodes.get(row["parent_span_id"])
            (roots if parent is None else parent[1]).append(nodes[row["span_id"]])
        return roots

    def clean(self) -> bool:
        """Whether no span and no cell is current between cells."""
        self.run(
            "import nbtrace.capture.notebook.open_cells as _c; _nbtrace_clean = _c.current_span_is_clean()",
            store_history=False,
            silent=True,
        )
        return self.run("print(_nbtrace_clean)", store_history=False).stdout == "True\n"

    def interrupt_when(self, marker: str, message_id: str) -> Reply:
        """Interrupt the cell once it has printed `marker`, and wait for its end.

        Let it print without `flush=True`: that waits for a thread in `Condition.wait`, which an interrupt at its last step leaves
        with "release unlocked lock", in the cell or in the kernel's own thread."""
        while True:
            message = self.client.get_iopub_msg(timeout=TIMEOUT_S)
            if message["parent_header"].get("msg_id") == message_id and message["content"].get("text", "").startswith(
                marker
            ):
                break
        self.manager.interrupt_kernel()
        # An interrupt that hits a finaliser is lost, with and without nbtrace: a person would press the button again.
        return self.wait(message_id, again_s=5.0)

    def stop(self) -> None:
        """End the kernel."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


_QUESTION = """
import json as _json, nbtrace as _n
_t = _n.spans(attributes="dict")
_t = _t[_t["end_time"].notna()]
_nbtrace_rows = _json.dumps([
    {k: (None if v is None or v != v else int(v.value) if hasattr(v, "value") else v) for k, v in r.items()}
    for r in _t.astype(object).where(_t.notna(), None).to_dict("records")], default=str)
"""


def start_kernel(**options: Any) -> Kernel:
    """Start a kernel of this environment, as a notebook does."""
    return _again(lambda: Kernel(*start_new_kernel(kernel_name="python3", startup_timeout=TIMEOUT_S, **options)))


def new_kernel() -> Kernel:
    """Return a kernel in which nothing has run: one of the nursery, whose imports are done, where there can be one."""
    return _again(lambda: Kernel(*NURSERY.kernel(TIMEOUT_S))) if CAN_FORK else start_kernel()


def _again(start: Callable[[], Kernel]) -> Kernel:
    for attempt in range(5):
        try:
            return start()
        except RuntimeError as error:
            # Tests that run beside each other may be given the same free port; the kernel that binds it last dies.
            if "died before replying" not in str(error) or attempt == 4:
                raise
    raise AssertionError("unreachable")
