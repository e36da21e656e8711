// What samples say of the selected span: how much it computed and waited, its hottest lines and functions; of a cell what it took.

import { inside } from "../engine/inside";
import type { Parts } from "../engine/parts";
import { innermostLine } from "../engine/heat";
import { count, duration, plain, share } from "../engine/words";
import type { Session } from "../session/session";
import { Source, Taken, cellName, hottestText, lineOf } from "./source";

const MOST = 4;
/** Of fewer samples a share is a guess: analysis/profiles/hottest.py. */
const FEW = 10;

/** Of the span at an index, and what is below it. */
export function Inside({ session, row }: { session: Session; row: number }) {
  const { trace, profile, times } = session;
  const cell = trace.cell[row]!;
  const isCell = times.spans.get(cell) === row;
  const key = `${row}:${trace.version}:${profile.version}`;
  const { all, functions, samples, lines, whole, processes } = session.once.get("inside", key, () => found(session, row, cell, isCell));
  if (!samples && !isCell) return null;
  const few = samples < FEW;
  return (
    <section>
      <h4>Inside {samples > 0 && <span class="nbt-quiet">{count(samples, "sample")}{processes > 1 && ` in ${processes} processes`}</span>}</h4>
      {isCell && <p><Taken session={session} cell={cell} row={row} /></p>}
      {isCell && hottestText(session, cell) && <p>hottest: <strong>{plain(hottestText(session, cell), 100)}</strong></p>}
      {samples > 0 && <Shares parts={all} />}
      {lines.length > 0 && (
        <>
          <h5>lines</h5>
          {lines.slice(0, MOST).map(({ code, line, time }) => (
            <button key={`${code}:${line}`} type="button" class="nbt-hot" title="look at the code" onClick={() => (session.showLine(code, line), session.code.isOpen(code, line) || session.code.toggle(code, line))}>
              <Share part={time / whole} few={few} />
              <span class="nbt-quiet">{code === cell ? "" : `${cellName(session, code)} `}{line}</span> <Source parts={lineOf(session, code, line)} />
            </button>
          ))}
        </>
      )}
      {functions.length > 0 && (
        <>
          <h5>functions</h5>
          {functions.slice(0, MOST).map((each) => (
            <div key={`${each.function}:${each.path}`} class="nbt-hot" title={`${plain(each.path, 200)}: ${duration(each.total)} by itself`}>
              <Share part={each.total / whole} few={few} />
              <code>{plain(each.function, 60)}</code> <span class="nbt-quiet">{plain(each.library, 40)}</span>
            </div>
          ))}
        </>
      )}
    </section>
  );
}

function Share({ part, few }: { part: number; few: boolean }) {
  const known = Math.min(1, part);
  return <span class="nbt-number nbt-call-time" style={{ "--share": `${known * 100}%` }}>{few && "~"}{share(known)}</span>;
}

function Shares({ parts }: { parts: Parts }) {
  const whole = Math.max(parts.total, 1e-9);
  const all = { ...parts, unknown: parts.total - parts.python - parts.native - parts.waiting };
  const kinds = (["python", "native", "waiting", "unknown"] as const).filter((kind) => all[kind] / whole >= 0.005);
  return (
    <div role="img" aria-label={kinds.map((kind) => `${kind} ${share(all[kind] / whole)}`).join(", ")}>
      <div class="nbt-shares">{kinds.map((kind) => <span key={kind} class={`nbt-share-${kind}`} style={{ width: `${(all[kind] / whole) * 100}%` }} />)}</div>
      <div class="nbt-quiet">{kinds.map((kind) => `${kind === "python" ? "Python" : kind} ${share(all[kind] / whole)}`).join(" · ")}</div>
    </div>
  );
}

function found(session: Session, row: number, cell: number, isCell: boolean) {
  const { trace, profile, times } = session;
  const time = times.of(cell);
  const { place, size } = trace.tree;
  const rows: number[] = [];
  const lines = new Map<string, { code: number; line: number; time: number }>();
  const processes = new Set<number | null>();
  let whole = 0;
  for (let i = 0; i < time.rows.length; i++) {
    const at = time.rows[i]!;
    const span = trace.indexOf(profile.span[at]!);
    // Where it is not known which span was current, it is the cell's own.
    if (!isCell && (span < 0 || place[span]! < place[row]! || place[span]! >= place[row]! + size[row]!)) continue;
    rows.push(i);
    processes.add(profile.processOf(at));
    whole += time.weight[i]!;
    const node = innermostLine(profile, profile.node[at]!);
    if (node < 0) continue;
    const frame = profile.frame[node]!;
    const [code, line] = [profile.ran(profile.fileOf[frame]!, cell), profile.lineOf[frame]!];
    const known = lines.get(`${code}:${line}`) ?? { code, line, time: 0 };
    known.time += time.weight[i]!;
    lines.set(`${code}:${line}`, known);
  }
  const sorted = [...lines.values()].filter(({ line }) => line > 0).sort((a, b) => b.time - a.time);
  // Of a span in which several threads worked they have more than its duration.
  return { ...inside(profile, time, rows), lines: sorted, processes: processes.size, whole: Math.max(trace.isRunning(row) ? whole : trace.duration(row), 1e-9) };
}
