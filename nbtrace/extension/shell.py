"""The composition root: puts the parts into one shell, and takes every one of them out again."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

from IPython.core.error import UsageError
from traitlets import TraitError

from nbtrace import api
from nbtrace.capture.live import LIVE
from nbtrace.capture.notebook import cell_attributes, failing
from nbtrace.capture.notebook.cells import CellTracer
from nbtrace.capture.notebook.only_asking import Questions
from nbtrace.capture.notebook.statements import Statements
from nbtrace.capture.processes import subprocesses
from nbtrace.config import NBTrace
from nbtrace.extension import handed
from nbtrace.extension.dask import ShellDask
from nbtrace.extension.journal import ShellJournal, trouble
from nbtrace.extension.receiver import ShellReceiver
from nbtrace.faults import fault, faults
from nbtrace.formats.journal import folder
from nbtrace.magics.commands import NbtraceMagics
from nbtrace.magics.completion import Completion
from nbtrace.recording import checked_source
from nbtrace.store.book import Execution
from nbtrace.store.redaction.redactor import Redactor
from nbtrace.store.schema import UNFINISHED, UNSEALABLE, RowFields
from nbtrace.store.span_store import SpanStore
from nbtrace.views import words

_ATTRIBUTE = "_nbtrace_extension"
# On the shell, not in this module: it must be found by a copy of this module that was imported anew.

_END = RowFields._fields.index("end_ns")


def load(shell: Any) -> None:
    """Start tracing in `shell`. A second call does nothing."""
    if getattr(shell, _ATTRIBUTE, None) is None:
        # Here, as a person's own configuration may load nbtrace before whoever runs the notebook does.
        handed.take()
        extension = Extension(shell)
        setattr(shell, _ATTRIBUTE, extension)
        extension.install()


def unload(shell: Any) -> None:
    """Take everything out of `shell`; without it, nothing happens."""
    extension = getattr(shell, _ATTRIBUTE, None)
    if extension is not None:
        delattr(shell, _ATTRIBUTE)
        extension.uninstall()


class Extension:
    """nbtrace in one shell."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._config = _configured(shell)
        self._recording = api.live()
        self._store = self._recording._store
        self._questions = Questions(api.QUESTIONS)
        self._run = handed.given()
        self._tracer = CellTracer(
            *(shell, LIVE.attachment, LIVE.cells, self._config, LIVE.profile, self._title, self._asks),
            parent=self._run.parent,
            notebook=self._run.notebook,
        )
        self._journal = ShellJournal(self._store, lambda: cell_attributes.notebook(shell.user_ns))
        self._run_journal = ShellJournal(self._store, lambda: self._run.notebook)
        """That of `nbtrace run`: beside the one that the notebook may switch on and off."""
        self._receiver = ShellReceiver(shell)
        self._dask = ShellDask(shell)
        self._statements = Statements(shell, LIVE.profile.sampler)
        self._magics = NbtraceMagics(shell, self._tracer, self._control)
        self._completion = Completion(shell)
        self._replaced: dict[tuple[str, str], Any] = {}

    def install(self) -> None:
        """Put in hooks, transformer, magics, completion and options, and open the recording."""
        shell = self._shell
        self._store.max_spans, self._store.max_bytes = self._config.max_spans, self._config.max_bytes
        self._store.change(
            redactor=Redactor(self._config.redact), capture_source=checked_source(self._config.capture_source)
        )
        self._config.observe(self._bound_changed, ["max_spans", "max_bytes"])
        self._store.sampling = int(self._config.sampling)
        self._config.observe(self._source_changed, "capture_source")
        self._config.observe(self._sampling_changed, "sampling")
        self._config.observe(self._rules_changed, "redact")
        shell.configurables.append(self._config)
        for kind, names in (("line", ("span", "spans", "nbtrace")), ("cell", ("span",))):
            known = shell.magics_manager.magics[kind]
            self._replaced.update({(kind, name): known[name] for name in names if name in known})
        shell.register_magics(self._magics)
        shell.input_transformers_cleanup.append(self._tracer.transform)
        self._completion.install()
        self._tracer.on_closed = self._closed
        shell.events.register("pre_run_cell", self._tracer.pre_run_cell)
        shell.events.register("post_run_cell", self._tracer.post_run_cell)
        failing.listen(self._tracer.note_failure)
        self._statements.install()
        LIVE.open(self._store, shell=self)
        self._begin_run_journal()
        self._journal_changed({"new": self._config.journal})
        self._config.observe(self._journal_changed, "journal")

    def uninstall(self) -> None:
        """Take out everything that `install` put in. What was recorded can still be asked for."""
        shell = self._shell
        self._tracer.close()
        self._receiver.off()
        self._dask.off()
        self._journal.stop()
        self._run_journal.stop()
        LIVE.close(self._store, shell=self)
        feeds = sys.modules.get("nbtrace.views.inspector.feed")
        if feeds is not None and not LIVE.is_open(self._store):  # another shell of this process may go on
            feeds.stop_all()
        for event, hook in (
            ("pre_run_cell", self._tracer.pre_run_cell),
            ("post_run_cell", self._tracer.post_run_cell),
        ):
            if hook in shell.events.callbacks[event]:
                shell.events.unregister(event, hook)
        failing.unlisten(self._tracer.note_failure)
        self._statements.uninstall()
        _remove(shell.input_transformers_cleanup, self._tracer.transform)
        self._completion.uninstall()
        manager = shell.magics_manager
        for kind in ("line", "cell"):
            for name, function in list(manager.magics[kind].items()):
                if getattr(function, "__self__", None) is self._magics:
                    del manager.magics[kind][name]
        for (kind, name), function in self._replaced.items():
            manager.magics[kind].setdefault(name, function)
        manager.registry.pop(type(self._magics).__name__, None)
        _remove(shell.configurables, self._magics)
        _remove(shell.configurables, self._config)
        self._config.unobserve_all()

    # ── %nbtrace ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _control(self, command: str, value: str | None, file: str = "") -> Any:
        """Do what is asked; return what to say, which may be a value too."""
        if command == "status":
            return self.status()
        if command == "reset":
            count = len(self._store)
            self._store.clear()
            LIVE.cells.forget_ended()
            self._store.forget_ended_cells()
            return f"nbtrace: forgot {count:,} spans."
        if command == "journal":
            return self._switch_journal(value, file)
        if command == "propagate":
            return self._propagate(value)
        if command == "receive":
            return self._receiver.off() if value == "off" else self._receiver.on()
        if command == "dask":
            return self._dask.off() if file == "off" else self._dask.on(file)
        if command == "display":
            self._config.display = value == "on"
        elif command == "on":
            self._tracer.enabled = True
            LIVE.open(self._store, shell=self)
        elif command == "off":
            self._tracer.enabled = False
            self._tracer.close()
            LIVE.close(self._store, shell=self)
        return ""

    def _propagate(self, value: str | None) -> str:
        if value == "off":
            subprocesses.uninstall()
            return "nbtrace: subprocesses are told nothing any more."
        if not LIVE.is_open(self._store):
            raise UsageError("nothing is recorded, so there is nothing to tell subprocesses. Type  %nbtrace on  first.")
        try:
            subprocesses.install()
        except OSError as error:
            raise UsageError(f"subprocesses cannot be told: {error}.") from None
        return (
            "nbtrace: what subprocess starts from here on gets TRACEPARENT. A Python program comes home if it calls "
            "nbtrace.arrive(), or runs under opentelemetry-instrument (with OTEL_TRACES_EXPORTER=none where no exporter of "
            "its own is installed, and likewise for METRICS and LOGS)."
        )

    def _switch_journal(self, value: str | None, file: str) -> str:
        if value == "on":
            try:
                said = self._journal.start(file)
            except OSError as error:
                raise UsageError(trouble(error)) from None
            self._heed_journal()
            return said
        if value == "off":
            said = self._journal.stop()
            self._heed_journal()
            return said
        return "\n".join(f"nbtrace: {line}" for line in self._journal.status())

    def _begin_run_journal(self) -> None:
        if self._run.journal is None:
            return
        try:
            # Of a folder every kernel of the run takes a name of its own. Where the extension is loaded anew, the second journal
            # holds what the first one held.
            into = self._run.journal
            path = folder.new_path(into, self._run.notebook) if into.is_dir() else folder.unused(into)
            self._run_journal.write_to(path)
        except OSError:
            fault("beginning the journal of a run")  # nothing may be said in the notebook; who runs it misses the file

    def _heed_journal(self) -> None:
        journals = (self._journal, self._run_journal)
        self._statements.told = tuple(filter(None, (journal.statement_begun for journal in journals)))

    def status(self) -> str:
        """Return what is captured and what is not, in a few lines."""
        store = self._store
        store.gather_all()
        rows = store.running_rows()
        unfinished = sum(row[_END] == UNFINISHED for row in rows)
        on = self._tracer.enabled
        version = sys.modules["nbtrace"].__version__
        dropped = f", {store.dropped_spans:,} older ones dropped" if store.dropped_spans else ""
        lines = [
            f"nbtrace {version} is {'on' if on else 'off (type %nbtrace on)'}",
            f"  Recorded: {words.count(len(store), 'span')}, {len(rows) - unfinished:,} running{dropped}; kept at most "
            f"{store.max_spans:,} spans and {store.max_bytes / 1e6:,.0f} MB (%config NBTrace.max_spans, max_bytes).",
        ]
        dropped = f", {store.samples.dropped:,} older ones dropped" if store.samples.dropped else ""
        lines.append(
            f"  Beside them: {words.count(len(store.samples), 'sample')}, {store.samples.nbytes / 1e6:,.1f} MB{dropped}; at most "
            f"a tenth of max_bytes is kept."
        )
        asked = sum(execution.only_asked for execution in store.executions())
        if asked:
            lines.append(
                f"  Left out of answers about the work: {words.count(asked, 'cell')} that only asked (asking=True)."
            )
        if unfinished:
            lines.append(
                f"  Unfinished: {unfinished:,} spans that nothing can end any more, as their cell was interrupted."
            )
        if store.forgotten_spans:
            lines.append(f"  Forgotten because somebody asked for it: {store.forgotten_spans:,} spans.")
        lines.append(f"  {_redacted(store)}")
        if UNSEALABLE:
            kinds = ", ".join(f"{number:,} × {kind}" for kind, number in Counter(UNSEALABLE.values()).items())
            lines.append(f"  Kept only as rows that say so, as their fields could not be read: {kinds}.")
        if on:
            lines += [f"  {line}" for line in LIVE.attachment.report()]
            policy = {
                "auto": "traced only in a kernel that has stored none",
                True: "traced",
                False: "not traced",
            }[self._config.unstored_cells]
            lines.append(f"  Executions that store no history: {policy} (%config NBTrace.unstored_cells).")
            lines += [f"  {instrument.status()}" for instrument in (*LIVE.instruments, subprocesses, self._statements)]
            lines += [f"  {line}" for line in LIVE.exchange.status()]
        lines += [f"  {line}" for line in self._journal.status()]
        lines.append(f"  {self._receiver.status()}")
        lines += [f"  {line}" for line in self._dask.status()]
        lines += [f"  A fault of nbtrace's own, please report it: {text}" for text in faults()]
        return "\n".join(lines)

    # ── what comes back ──────────────────────────────────────────────────────────────────────────────────────────────

    def _bound_changed(self, change: Any) -> None:
        setattr(self._store, change["name"], change["new"])

    def _source_changed(self, change: Any) -> None:
        self._store.change(capture_source=checked_source(change["new"]))

    def _sampling_changed(self, change: Any) -> None:
        self._store.sampling = int(change["new"])
        LIVE.heed_sampling()

    def _rules_changed(self, change: Any) -> None:
        self._store.change(redactor=Redactor(change["new"]))
        self._journal.rules_changed()
        self._run_journal.rules_changed()

    def _journal_changed(self, change: Any) -> None:
        if change["new"]:
            self._journal.begin("" if change["new"] is True else change["new"])
        else:
            self._journal.stop()
        self._heed_journal()

    def _title(self, line: str) -> str:
        """The first line of a cell as its span's name may show it."""
        return self._store.redactor.title(line) if self._store.capture_source == "full" else ""

    def _asks(self, source: str) -> bool:
        """Whether a cell does nothing but ask nbtrace."""
        try:
            return self._questions.only(source, self._shell.user_ns)
        except Exception:
            fault("reading a cell that may only ask")
            return False

    def _closed(self, execution: Execution) -> None:
        """Record what nobody holds any more, seal what a cell has left, and show its tree to those who have asked for it."""
        LIVE.recorder.close_freed()
        LIVE.exchange.collect_soon()
        self._receiver.cell_ended(execution)
        self._store.settle()
        self._store.samples.settle()
        self._journal.look()
        if self._config.display and execution.span_id and not execution.only_asked:
            from IPython.display import display

            try:
                if self._run.parent is None:
                    display(api.text(trace_id=f"{execution.trace_id:032x}"))
                else:  # all cells are of one trace
                    display(api.text(cell=execution.execution_count))
            except Exception:
                fault("showing a cell's tree")


def _redacted(store: SpanStore) -> str:
    """What was taken out of the recording, in a sentence."""
    redactor, counts = store.redactor, store.redacted()
    if not redactor.active:
        return "Redaction: off (%config NBTrace.redact = True)."
    kinds = ", ".join(f"{number:,} × {rule}" for rule, number in list(counts.items())[:8])
    more = f" and {len(counts) - 8} rules more" if len(counts) > 8 else ""
    found = f"{sum(counts.values()):,} places ({kinds}{more})" if counts else "nothing found so far"
    failed = (
        f" Your callable raised {redactor.failure}: what it could not check is not kept." if redactor.failure else ""
    )
    return f"Redaction of what looks like a secret: {found} (%config NBTrace.redact).{failed}"


def _configured(shell: Any) -> NBTrace:
    try:
        return NBTrace(parent=shell)
    except TraitError as error:
        # A bad value in a config file, or left by %config before, must not keep the extension from loading.
        print(f"nbtrace: {error} The defaults hold; see %config NBTrace.", file=sys.stderr)  # noqa: T201
        return NBTrace()


def _remove(items: list[Any], item: Any) -> None:
    if item in items:
        items.remove(item)
