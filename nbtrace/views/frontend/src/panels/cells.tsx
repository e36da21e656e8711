// Executions of cells over time, each against those of its cell before it.

import { type Run, against, described } from "../engine/runs";
import { count, duration, growth, plain } from "../engine/words";
import { type Theme, barColour } from "../pictures/colours";
import type { Session } from "../session/session";
import { Change } from "./compare";
import { hottestText } from "./source";
import { LeftOut, MAX_ROWS } from "./tables";

/** What there is to choose among: the roots of all traces. */
export function traces(session: Session): Run[] {
  return session.once.get("traces", `${session.trace.version}`, () => described(session.trace, session.trace.tree.roots, session.times.spans));
}

/** Shorter cells, in ms, need no explanation. */
const LEAST = 100;

interface CellRow extends Run {
  cpu: number;
  memory: number;
  hottest: string;
}

/** Sorted by a column; cells of which its number is not known come last. */
export function Cells({ session, theme }: { session: Session; theme: Theme }) {
  const { trace, profile, cellSort: { column, down } } = session;
  const { matches } = session.finder;
  const { order, place, size } = trace.tree;
  const all = session.comparing.runs.filter(({ row }) => !matches || order.subarray(place[row]!, place[row]! + size[row]!).some((each) => matches[each]));
  const known: CellRow[] = (column === "cell" ? all.slice(-MAX_ROWS) : all).map((run) => {
    const cell = trace.cells.has(trace.cell[run.row]!) ? trace.cell[run.row]! : 0;
    const [, cpu, , grew] = profile.resources.get(cell) ?? [];
    return { ...run, cpu: cpu ?? NaN, memory: grew ?? NaN, hottest: cell && trace.duration(run.row) >= LEAST ? hottestText(session, cell) : "" };
  });
  const rank = (each: CellRow): number => (
    column === "duration" ? trace.duration(each.row) : column === "cpu" ? each.cpu : column === "memory" ? each.memory
      : column === "hottest" ? (each.hottest ? Number(/(\d+) %$/.exec(each.hottest)?.[1]) : NaN) : trace.start[each.row]!
  );
  const ranked = known.map((each) => [rank(each), each] as const);
  ranked.sort(([a], [b]) => (Number.isNaN(a) || Number.isNaN(b) ? Number(Number.isNaN(a)) - Number(Number.isNaN(b)) : down ? b - a : a - b));
  const shown = ranked.slice(0, MAX_ROWS).map(([, each]) => each);
  let from = Infinity;
  for (const { row } of shown) from = Math.min(from, trace.start[row]!);
  const whole = Math.max(trace.now - from, 1e-9);
  const again = shown.some(({ run }) => run > 1);
  const longest = Math.max(1e-9, ...shown.map(({ row }) => trace.duration(row)));
  const head = (id: Session["cellSort"]["column"], title: string) => (
    <th class={id === "cell" ? "" : id === "hottest" ? "nbt-hottest" : `nbt-number ${id === "duration" ? "" : "nbt-spare"}`} aria-sort={column === id ? (down ? "descending" : "ascending") : "none"}>
      <button type="button" class="nbt-link" onClick={() => ((session.cellSort = { column: id, down: column === id ? !down : id !== "cell" }), session.changed())}>
        {title}{column === id ? (down ? " ↓" : " ↑") : ""}
      </button>
    </th>
  );
  return (
    <div class="nbt-scroll" tabIndex={0}>
      <LeftOut shown={shown.length} all={all.length} noun="execution" />
      <table class="nbt-table nbt-cells">
        <thead>
          <tr>
            {head("cell", "cell")}<th>code</th>{again && <th class="nbt-number nbt-roomy">run</th>}{head("duration", "duration")}{again && <th class="nbt-number">against runs before</th>}
            {head("cpu", "cpu")}{head("memory", "memory")}{head("hottest", "hottest")}<th class="nbt-number nbt-roomy">spans</th><th class="nbt-roomy nbt-whenhead">when</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((each) => {
            const { row, count: number, title, run, failed, cpu, memory, hottest } = each;
            const open = (event: Event) => (event.stopPropagation(), session.code.look(trace.cell[row]!), session.show("code"));
            return (
              <tr key={row} data-span={trace.row[row]} class={row === session.scope.root ? "nbt-chosen" : ""} onClick={() => (session.look(row), session.show("waterfall"))}>
                <td><button type="button" class="nbt-link" title="look at its trace">[{number ?? " "}]</button></td>
                <td class="nbt-code">{failed && <span class="nbt-error" title="failed">✗ </span>}{plain(title, 80)}</td>
                {again && <td class="nbt-number nbt-roomy">{run > 1 ? run : ""}</td>}
                <td class="nbt-number nbt-bar" style={{ "--share": trace.duration(row) / longest }}>{trace.isRunning(row) ? "running" : duration(trace.duration(row))}</td>
                {again && <td class="nbt-number"><Before session={session} run={each} /></td>}
                <td class="nbt-number nbt-spare">{Number.isNaN(cpu) ? "" : duration(cpu)}</td>
                <td class="nbt-number nbt-spare">{Number.isNaN(memory) ? "" : Math.abs(memory) < 500_000 ? <span class="nbt-quiet">0</span> : growth(memory)}</td>
                <td class="nbt-code nbt-hottest">{hottest && <button type="button" class="nbt-link" title="look at its code" onClick={open}>{plain(hottest, 60)}</button>}</td>
                <td class="nbt-number nbt-roomy">{(trace.tree.size[row]! - 1).toLocaleString("en-US")}</td>
                <td class="nbt-when nbt-roomy">
                  <span style={{
                    left: `min(${((trace.start[row]! - from) / whole) * 100}%, 100% - 3px)`, width: `max(3px, ${(trace.duration(row) / whole) * 100}%)`,
                    background: failed ? theme.error : barColour(1, theme), outline: trace.isRunning(row) ? `1px dashed ${theme.accent}` : "none",
                  }} />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** How a run compares with those before it: as a change only where it is more than chance. */
function Before({ session, run }: { session: Session; run: Run }) {
  const runs = session.comparing.works.get(run.work) ?? [];
  const found = against(session.trace, run, runs);
  if (!found) return run.failed && run.run > 1 ? <span class="nbt-quiet" title="what failed did not do the whole work">not compared</span> : null;
  const { ratio, verdict, took, edited } = found;
  const what = `${duration(took.median / 1e6)}${found.runs > 1 ? `, the median of the ${count(found.runs, "run")}` : ""} before${edited ? " the edit" : ""}`;
  const open = (event: Event) => (event.stopPropagation(), session.comparing.look(run), session.show("compare"));
  return (
    <button type="button" class="nbt-link" title={`${verdict} against ${what}; compare`} onClick={open}>
      {edited && <span class="nbt-quiet">edited </span>}<Change ratio={ratio} verdict={verdict} />{verdict === "unclear" && <span class="nbt-quiet"> unclear</span>}
    </button>
  );
}
