// What the waterfall is grouped by: a choice.

import { isIdentity } from "../engine/tip";
import { count, plain } from "../engine/words";
import type { Session } from "../session/session";

const MAX_KEYS = 100;

export function GroupBy({ session }: { session: Session }) {
  const { grouping } = session;
  const look = () => grouping.look();
  // The most frequent first, once somebody has looked; until then those that there are.
  const keys = grouping.keys.length ? grouping.keys : [...session.details.keys].sort();
  const attributes = keys.filter((key) => !isIdentity(key)).slice(0, MAX_KEYS).map((key) => `attributes.${key}`);
  // What is chosen stays a choice, though the spans that had it are gone.
  const options = grouping.by.startsWith("attributes.") && !attributes.includes(grouping.by) ? [grouping.by, ...attributes] : attributes;
  const { processes, workers } = session.trace;
  return (
    <>
    {processes > 1 && (
      <button type="button" class="nbt-pill" aria-pressed={grouping.by === "process"} onClick={() => session.group(grouping.by === "process" ? "" : "process")}>
        {workers.size ? count(workers.size, "worker") : `${processes} processes`}
      </button>
    )}
    <select class="nbt-input nbt-group" aria-label="group by" value={grouping.by} onPointerEnter={look} onFocus={look} onChange={(event) => session.group(event.currentTarget.value)}>
      <option value="">no groups</option>
      {["thread", "process", "trace", "cell"].map((each) => <option key={each} value={each}>by {each}</option>)}
      {options.map((each) => <option key={each} value={each}>by {plain(each.slice(11), 40)}</option>)}
    </select>
    </>
  );
}
