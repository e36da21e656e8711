"""`nbtrace convert`: a recording in another format.

Enters: two paths, and what narrows it. Leaves: a file, or a folder that has grown; and it is told what they have no place for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nbtrace.cli.files import PATH, check_there, read_recording
from nbtrace.cli.narrowing import answered, command_named, conditions, narrowing, read_options
from nbtrace.cli.problems import Problem
from nbtrace.cli.progress import working
from nbtrace.cli.targets import check_suffix, check_target, nothing_met, tell, tell_lost

if TYPE_CHECKING:
    from nbtrace.recording import Recording


@click.command()
@click.argument("source", metavar="A", type=PATH)
@click.argument("target", metavar="B", type=PATH)
@narrowing
def convert(source: str, target: str, **given: Any) -> None:
    """Write a recording in another format.

    The recording in A becomes B, in the format that the suffix of B names. A is a file, a folder that nbtrace saved into, or a
    journal. B has all of it as .parquet, or as a folder, which ends in / and grows; spans and cells as .jsonl or .otlp (OTLP, for
    OpenTelemetry's tools); and for other programs alone there are .json (https://ui.perfetto.dev), .speedscope.json
    (https://www.speedscope.app) and .folded (flamegraph.pl).

    \b
    Examples:
      nbtrace convert run.parquet run.json
      nbtrace convert run.parquet slow.speedscope.json --cell 7
      nbtrace convert monday.parquet runs/
    """
    from nbtrace.views.words import count

    check_there(source)
    magic = command_named("nbtrace convert", source)
    asked = read_options(magic, given)
    assert asked is not None  # there is no word that could ask for help
    suffix = check_suffix(target)
    check_target(target, source, suffix)
    with working(f"writing {target}"), answered(magic, source):
        recording = read_recording(source)
        narrowed = conditions(asked)
        from nbtrace.analysis.profiles.flames import NoSamplesError
        from nbtrace.analysis.selection import Selection

        kept = recording._kept(Selection(**narrowed), recording._profiled())
        spans = sum(batch.length for batch in kept.batches)
        if not spans and any(given[name] for name in ("cell", "last", "where")):
            raise nothing_met(source, given)
        try:
            path = recording.save(target, **narrowed)
        except NoSamplesError as error:
            raise Problem(_why_no_samples(recording, source, suffix)) from error
        except ModuleNotFoundError as error:  # that of .otlp, which says what to install
            raise Problem(str(error)) from error
    tell(path, count(spans, "span"))
    tell_lost(kept, suffix)


def _why_no_samples(recording: Recording, source: str, suffix: str) -> str:
    from nbtrace.views.words import count, typed

    held = sum(batch.length for batch in recording._snapshot().samples)
    if held:
        wanted = f"none of the {count(held, 'sample')} is of what was asked for: a cell of less than 10 ms has none"
        return f"{wanted}. Type  nbtrace show {typed(source)} cells  to see which cells there are"
    return f"{source!r} has no samples, and {suffix} is made of them. Type  nbtrace show {typed(source)}  to see what it has"
