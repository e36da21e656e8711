// The code of cells as it is shown, and what is said of a cell in a line.

import { named } from "../engine/heat";
import { type Part, highlighted } from "../engine/highlight";
import { duration, growth, lines as cleaned, size } from "../engine/words";
import type { Session } from "../session/session";

/** Whether a cell's source was kept: what stands for it otherwise is a digest. */
export function source(session: Session, cell: number): string[] | undefined {
  const text = session.trace.cells.get(cell)?.[4];
  if (!text || /^sha256:[0-9a-f]{64}$/.test(text)) return undefined;
  return session.once.get(`source ${cell}`, text, () => cleaned(text.replaceAll("\r\n", "\n")).split("\n"));
}

export function coloured(session: Session, cell: number): Part[][] | undefined {
  const lines = source(session, cell);
  return lines && session.once.get(`coloured ${cell}`, session.trace.cells.get(cell)![4], () => highlighted(lines.join("\n")));
}

/** A line of a cell: of its source, or of what is known of it alone as a function on it was called. */
export function partsOf(session: Session, cell: number, line: number): Part[] | undefined {
  const parts = coloured(session, cell)?.[line - 1];
  if (parts) return parts;
  const text = cleaned(session.profile.lineText(cell, line));
  return text ? session.once.get(`line ${cell}:${line}`, text, () => highlighted(text)[0]) : undefined;
}

/** A line of a cell, without what it is set in by. */
export function lineOf(session: Session, cell: number, line: number): Part[] | undefined {
  return partsOf(session, cell, line)?.map(([text, kind], at) => [at ? text : text.trimStart(), kind]);
}

/** What a person calls an execution: cell [4]. */
export function cellName(session: Session, cell: number): string {
  return `cell [${session.trace.cells.get(cell)?.[1] ?? session.profile.countOf(cell) ?? " "}]`;
}

/** The hottest line of a cell in a few words: line 3 df.merge 62 %. */
export function hottestText(session: Session, cell: number): string {
  const found = session.times.hottestOf(cell);
  if (!found) return "";
  const text = named(source(session, found.code)?.[found.line - 1] ?? session.profile.lineText(found.code, found.line), found.called);
  return [found.code === cell ? "" : cellName(session, found.code), `line ${found.line}`, text, `${found.guessed ? "~" : ""}${Math.round(found.share * 100)} %`].filter(Boolean).join(" ");
}

export function Source({ parts }: { parts: Part[] | undefined }) {
  return <code>{parts?.map(([text, kind], at) => (kind ? <span key={at} class={`nbt-c-${kind}`}>{text}</span> : text))}</code>;
}

/** What a cell took of the machine, in a line. */
export function Taken({ session, cell, row }: { session: Session; cell: number; row: number }) {
  const [, cpu, peak, grew, gc] = session.profile.resources.get(cell) ?? [];
  const length = row < 0 ? NaN : session.trace.duration(row);
  const parts = [
    cpu != null && `cpu ${duration(cpu)}${cpu / length >= 1.3 ? ` (${(cpu / length).toFixed(1)} cores)` : ""}`,
    grew != null && Math.abs(grew) >= 1_000_000 && `memory ${growth(grew)}`,
    peak != null && `peak ${size(peak)}`,
    gc != null && gc >= length * 0.05 && `gc ${duration(gc)}`,
  ].filter(Boolean);
  return parts.length ? <span class="nbt-quiet">{parts.join(" · ")}</span> : null;
}
