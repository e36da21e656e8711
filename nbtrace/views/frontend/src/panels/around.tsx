// What a sandwich is made around: a span's name or a sampled function, chosen from all, the heaviest first.

import { statistics } from "../engine/statistics";
import { FIRST_SYMBOL } from "../engine/symbols";
import { duration, plain } from "../engine/words";
import type { Session } from "../session/session";
import { Choose, type Option } from "./choose";

export function Around({ session }: { session: Session }) {
  const { trace, samples, name, frames } = session;
  const called = (each: number) => plain(samples.symbols.text(each), 200);
  const options = () => session.once.get("around", `${samples.version}:${frames}`, () => {
    const spans = statistics(trace, (row) => session.scope.has(row)).map(({ name, self, total }) => [name, self, total] as const);
    const all = [...spans, ...(frames ? samples.functions() : [])].sort((a, b) => b[1] - a[1]);
    return all.map(([each, self, total]): Option => [each, called(each), () => [`${each < FIRST_SYMBOL ? "" : "~"}${duration(self)} of ${duration(total)}`]]);
  });
  return <Choose label="around" class="nbt-scope" value={name} chosen={name < 0 ? "a span or function" : called(name)} options={options} choose={(each: number) => ((session.name = each), session.changed())} />;
}
