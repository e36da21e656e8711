// What the waterfall is grouped by: a choice.

import { isIdentity } from "../engine/tip";
import { count, plain } from "../engine/words";
import type { Session } from "../session/session";
import { Choose, type Option } from "./choose";

export function GroupBy({ session }: { session: Session }) {
  const { grouping } = session;
  // The most frequent first, once somebody has looked; until then those that there are.
  const keys = grouping.keys.length ? grouping.keys : [...session.details.keys].sort();
  const attributes = keys.filter((key) => !isIdentity(key)).map((key) => `attributes.${key}`);
  // What is chosen stays a choice, though the spans that had it are gone.
  if (grouping.by.startsWith("attributes.") && !attributes.includes(grouping.by)) attributes.unshift(grouping.by);
  const named = (by: string) => (by ? `by ${plain(by.replace("attributes.", ""))}` : "no groups");
  const options = () => ["", "thread", "process", "trace", "cell", ...attributes].map((by): Option => [by, named(by), () => grouping.having(by).map((spans) => count(spans, "span"))]);
  const { processes, workers } = session.trace;
  return (
    <>
    {processes > 1 && (
      <button type="button" class="nbt-pill" aria-pressed={grouping.by === "process"} onClick={() => session.group(grouping.by === "process" ? "" : "process")}>
        {workers.size ? count(workers.size, "worker") : `${processes} processes`}
      </button>
    )}
    <Choose label="group by" class="nbt-group" value={grouping.by} chosen={named(grouping.by)} look={() => grouping.look()} options={options} choose={(value: string) => session.group(value)} />
    </>
  );
}
