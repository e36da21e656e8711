"""The attribute keys nbtrace writes, each a constant and a sentence.

Names are OpenTelemetry's where it has one (https://opentelemetry.io/docs/specs/semconv/), else under `jupyter.`."""

CODE_FILE_PATH = "code.file.path"
"""The file that holds the code: of a traced function its module's, of a cell the notebook's, where it is known."""

CODE_FUNCTION_NAME = "code.function.name"
"""The fully qualified name of a traced function."""

CODE_LINE_NUMBER = "code.line.number"
"""The line in `code.file.path` at which a traced function is defined."""

ERROR_TYPE = "error.type"
"""The fully qualified class of the exception that ended the work; set whenever the status is ERROR through us."""

EXCEPTION_EVENT = "exception"
"""The name of the event that carries an exception."""

EXCEPTION_TYPE = "exception.type"
"""The fully qualified class of an exception, builtins without their module."""

EXCEPTION_MESSAGE = "exception.message"
"""What `str()` of the exception gave, or a placeholder if it raised."""

EXCEPTION_STACKTRACE = "exception.stacktrace"
"""The traceback as Python prints it, without IPython's and nbtrace's own frames."""

SERVICE_NAME = "service.name"
"""The resource attribute that names the program a span comes from."""

JUPYTER_CELL_ID = "jupyter.cell.id"
"""The cell's id in the notebook file, where the front end sends it (JupyterLab and VS Code do)."""

JUPYTER_CELL_EXECUTION_COUNT = "jupyter.cell.execution_count"
"""The number between the cell's brackets, `In [N]`."""

JUPYTER_CELL_TAGS = "jupyter.cell.tags"
"""The cell's tags, where it has some and the front end sends them (JupyterLab and `nbtrace run` do)."""

JUPYTER_CELL_UNFINISHED = "jupyter.cell.unfinished"
"""True when IPython never told that the cell ended, so that the end time is when the next cell began."""

JUPYTER_NOTEBOOK_PATH = "jupyter.notebook.path"
"""The notebook file, where the server or VS Code tells it."""

RUN_SCOPE = "nbtrace.run"
"""The instrumentation scope of the span of a whole run of a notebook, the parent of its cells."""

RUN_LIMITS_EXCEEDED = "nbtrace.run.limits_exceeded"
"""The limits of change that a run has exceeded, as they were typed: such a run is no baseline."""

JUPYTER_KERNEL_ID = "jupyter.kernel.id"
"""The kernel's id, as in its connection file's name."""

JUPYTER_SESSION_ID = "jupyter.session.id"
"""The session of the client that asked for the execution, as in its message header."""

TASK_SCOPE = "nbtrace.tasks"
"""The instrumentation scope of the spans that nbtrace makes of the tasks of pools; each lasts while its worker works on it."""

TASK_WAITED = "nbtrace.task.waited"
"""How long a task waited, from its submission until a worker began it, in seconds."""

TASK_WORKER_START = "nbtrace.task.worker_start"
"""The part of a task's waiting in which its worker process started, in seconds; only on the first task of a process."""

TASK_TRANSFER = "nbtrace.task.transfer"
"""The part of a task's waiting in which its worker fetched results of other workers that it needs, in seconds."""

TASK_KEY = "nbtrace.task.key"
"""What an engine calls a task, so that it can be found in the engine's own pictures and logs."""

TASK_WORKER = "nbtrace.task.worker"
"""The worker of an engine that has done a task: its address, or whatever the engine calls it by."""

TASK_RUN = "nbtrace.task.run"
"""Which run of a task it is, from 2 on: it was retried, or its result was lost and made again."""

TASK_OUTCOME = "nbtrace.task.outcome"
"""How a task ended that has no result and did not fail: `cancelled`, `rescheduled`, or `lost` with its worker."""

TASK_CLOCK = "nbtrace.task.clock"
"""Seconds by which the clock of a task's worker was behind the kernel's, and its times have been shifted; only where it was."""

HOST_NAME = "host.name"
"""The name of the machine on which a task was done."""
