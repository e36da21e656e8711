// Two sides of runs: which they are, what has changed in the code, and what in the time.

import { useState } from "preact/hooks";
import { uncertain } from "../engine/calls";
import type { Difference, Verdict } from "../engine/compare";
import { MOST_EDITS, difference, folded } from "../engine/difference";
import { MIN_RUNS, taken } from "../engine/noise";
import { type Choice, type Run, edits, isEdit, leftOut, named, sameCode, stretches } from "../engine/runs";
import { change as changed, count, duration, plain, ratio as times } from "../engine/words";
import type { Session } from "../session/session";
import type { PictureProps } from "./canvas";
import { Choose, type Option } from "./choose";
import { MergedPicture } from "./mergedpicture";
import { Source, coloured, source } from "./source";
import { LeftOut, MAX_ROWS } from "./tables";

/** Of a long difference so many lines are shown. */
const MAX_LINES = 500;

const SCROLLBAR = 16;
/** Where there is less, what changed in the code is closed: the times would stand out of sight. */
const ROOMY = 600;

export function Compare({ session, theme, width, height }: PictureProps) {
  const { comparing } = session;
  const [before, after] = comparing.sides;
  return (
    <>
      <Sides session={session} />
      <div class="nbt-scroll" tabIndex={0}>
        {before.length > 0 && after.length > 0 && <CodeChange session={session} before={before.at(-1)!} after={after.at(-1)!} open={width >= ROOMY} />}
        {comparing.comparable && <MergedPicture session={session} theme={theme} width={width - SCROLLBAR} height={Math.floor(height / 2)} />}
        {comparing.comparable && <Changes session={session} />}
        {!comparing.comparable && <p class="nbt-empty">{whyNot(before, after)}</p>}
      </div>
    </>
  );
}

function whyNot(before: Run[], after: Run[]): string {
  if (!before.length && !after.length) return "No cell has run twice. Run one again, or choose two runs.";
  if (!before.length || !after.length) return "Choose the other side.";
  const failed = before[0]!.failed ? before : after;
  return `${named(failed)} failed, so what it took is not what the whole work takes: times are not compared.`;
}

/** Which runs stand on the two sides. Until somebody has chosen, those before the last edit and those since. */
function Sides({ session }: { session: Session }) {
  const { comparing } = session;
  const { sides } = comparing;
  const without = leftOut(comparing.works, sides);
  const edit = isEdit(sides);
  const notes = comparing.comparable ? ["orange: slower or more, blue: faster or fewer, grey: by chance"] : [];
  if (without.length) notes.unshift(`${named(without)} failed and ${without.length > 1 ? "are" : "is"} left out`);
  if (comparing.comparable && sides.every((runs) => runs.length < MIN_RUNS)) notes.unshift(`what is chance is not known before one side has ${MIN_RUNS} runs`);
  return (
    <div class="nbt-compare">
      <Side session={session} side={0} title={edit ? "before the edit" : "before"} /> <Side session={session} side={1} title={edit ? "since the edit" : "after"} />
      {notes.length > 0 && <span class="nbt-quiet">{notes.join(" · ")}</span>}
    </div>
  );
}

/** One of them: a run, or all with the same code. */
function Side({ session, side, title }: { session: Session; side: 0 | 1; title: string }) {
  const { trace, comparing } = session;
  const here = comparing.pair?.[side];
  const mine = comparing.sides[side];
  const took = (runs: readonly Run[]) => (runs[0]!.failed ? "failed" : duration(taken(runs.map(({ row }) => Math.round(trace.duration(row) * 1e6))).median / 1e6));
  const what = (runs: readonly Run[]) => (runs[0]!.count === null ? "" : ` · ${plain(runs.at(-1)!.title)}`);
  /** All with some code are below zero. */
  const value = ({ row, all }: Choice) => (all ? ~trace.row[row]! : trace.row[row]!);
  const options = () => session.once.get("choices", comparing.version, () => [...comparing.works.values()].flatMap((runs) => {
    const several = new Map(stretches(runs).map((stretch) => [stretch[0]!, stretch]));
    const option = (mine: readonly Run[], all = false): Option => [value({ row: mine.at(-1)!.row, all }), named(mine) + what(mine), () => [took(mine)]];
    return runs.flatMap((run) => [...(several.get(run)?.[1] ? [option(several.get(run)!, true)] : []), option([run])]);
  }));
  const choose = (value: number) => comparing.choose(side, { row: trace.indexOf(value < 0 ? ~value : value), all: value < 0 });
  return (
    <div class="nbt-side">
      {title}
      <Choose label={title} value={here && here.row >= 0 ? value(here) : NaN} chosen={mine.length ? `${named(mine)} · ${took(mine)}${what(mine)}` : "choose a run"} options={options} choose={choose} />
    </div>
  );
}

/** What has changed in the code of a cell, and of those that it calls. */
function CodeChange({ session, before, after, open }: { session: Session; before: Run; after: Run; open: boolean }) {
  const same = sameCode(before, after);
  if (same === false) return <>{edits(before, after).map(([old, now]) => <Edit key={now.work} session={session} before={old} after={now} called={now.work !== after.work} open={open} />)}</>;
  const names = (runs: Run[]) => runs.map((run) => named([run])).join(", ");
  if (!before.code || !after.code) return say(`The code of ${names([before, after].filter(({ code }) => !code))} is not known here.`);
  // What has samples tells what it called.
  const others = [before, after].some(({ cell }) => session.profile.rowsOf(cell).length) ? [] : uncertain(session.comparing.works, before, after);
  return say(`${same ? "The" : "As far as it is known here, the"} code is the same.${others.length ? ` Whether it calls ${names(others)}, edited between, is not known.` : ""}`);
}

function say(text: string) {
  return <p class="nbt-note nbt-quiet">{text}</p>;
}

/** Line by line. */
function Edit({ session, before, after, called, open: wide }: { session: Session; before: Run; after: Run; called: boolean; open: boolean }) {
  const [opened, open] = useState<ReadonlySet<string>>(new Set());
  const what = `what changed in ${called ? `cell ${named([after])}, called from it` : "the code"}`;
  const cells = [before.cell, after.cell] as const;
  const [old, now] = [source(session, cells[0]), source(session, cells[1])];
  if (!old || !now) return say(`${what}: not kept`);
  const lines = session.once.get(`difference ${after.work}`, cells.join(), () => difference(old, now));
  if (!lines) return say(`${what}: more than ${MOST_EDITS.toLocaleString("en-US")} lines`);
  if (!lines.some(({ sign }) => sign)) return say(`${what}: the ends of its lines`);
  const colours = [coloured(session, cells[0])!, coloured(session, cells[1])!] as const;
  const told = (sign: string, what: string) => {
    const number = lines.filter((line) => line.sign === sign).length;
    return number ? [`${count(number, "line")} ${what}`] : [];
  };
  let shown = 0;
  return (
    <details class="nbt-diff" open={wide}>
      <summary>{what}: {[...told("+", "added"), ...told("−", "removed")].join(", ")}</summary>
      <table class="nbt-lines" aria-label={what}>
        <tbody>
          {folded(lines).map(({ from, to, folded: closed }) => {
            const key = `${cells}:${from}`;
            if (closed && !opened.has(key)) {
              return <tr key={key} class="nbt-fold"><td colSpan={2} /><td><button type="button" class="nbt-link nbt-quiet" onClick={() => open(new Set([...opened, key]))}>⋯ {count(to - from, "unchanged line")}</button></td></tr>;
            }
            const here = lines.slice(from, Math.min(to, from + MAX_LINES - shown));
            shown += here.length;
            return here.map(({ sign, before, after }) => (
              <tr key={`${before}:${after}`} class={sign === "+" ? "nbt-added" : sign ? "nbt-removed" : ""}>
                <td class="nbt-number">{after || before}</td><td>{sign}</td>
                <td class="nbt-source"><Source parts={after ? colours[1][after - 1] : colours[0][before - 1]} /></td>
              </tr>
            ));
          })}
        </tbody>
      </table>
      {shown >= MAX_LINES && say(`showing ${MAX_LINES} of ${count(lines.length, "line")}`)}
    </details>
  );
}

const VERDICTS: Partial<Record<Verdict, string>> = { added: "nbt-slower", slower: "nbt-slower", more: "nbt-slower", removed: "nbt-faster", faster: "nbt-faster", fewer: "nbt-faster" };

/** How many times as long: a change only by a verdict that sees one. */
export function Change({ ratio, verdict }: { ratio: number; verdict: Verdict }) {
  if (!Number.isFinite(ratio)) return null;
  const sure = verdict === "slower" || verdict === "faster";
  return <span class={sure ? VERDICTS[verdict] : "nbt-quiet"}>{times(ratio, sure)}</span>;
}

function Changes({ session }: { session: Session }) {
  const all = session.comparing.result!.changes;
  const spread = ({ spread, runs }: Difference["before"]) => (Number.isNaN(spread) ? count(runs, "run") : `median of ${count(runs, "run")}, which lie ${duration(spread)} apart`);
  return (
    <>
      <LeftOut shown={Math.min(all.length, MAX_ROWS)} all={all.length} noun="path" />
      <table class="nbt-table nbt-changes">
        <thead><tr><th>name</th><th class="nbt-number">before</th><th class="nbt-number">after</th><th class="nbt-number nbt-spare">change</th><th class="nbt-number">ratio</th><th>verdict</th><th class="nbt-number">count</th></tr></thead>
        <tbody>
          {all.slice(0, MAX_ROWS).map((each) => {
            const { before, after, verdict } = each;
            const told = verdict !== "same" && verdict !== "unclear";
            return (
              <tr key={each.path + each.depth} class={session.selected === each.row ? "nbt-chosen" : ""} data-span={session.trace.row[each.row]} onClick={() => session.select(each.row)}>
                <td class="nbt-code"><button type="button" class="nbt-link">{plain(each.label, 80)}</button>{each.above && <span class="nbt-quiet"> in {plain(each.above, 120)}</span>}</td>
                <td class="nbt-number" title={spread(before)}>{before.there ? duration(before.total) : "—"}</td>
                <td class="nbt-number" title={spread(after)}>{after.there ? duration(after.total) : "—"}</td>
                <td class={`nbt-number nbt-spare ${told ? "" : "nbt-quiet"}`}>{changed(after.total - before.total)}</td>
                <td class="nbt-number">{before.there && after.there && before.total ? <Change ratio={after.total / before.total} verdict={verdict} /> : ""}</td>
                <td class={VERDICTS[verdict] ?? "nbt-quiet"}>{verdict}</td>
                <td class="nbt-number">{before.count === after.count ? after.count : <b title="spans in a run">{before.count} → {after.count}</b>}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </>
  );
}
