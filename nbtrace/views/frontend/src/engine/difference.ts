// What has changed in some code: lines that are gone, that are new, and those between them.

/** A line of the code before, of the code after, or of both. */
export interface DiffLine {
  sign: "+" | "−" | "";
  /** Its number in the code before, 0 where it is not in there. */
  before: number;
  after: number;
}

/** So many lines, from the first that differs to the last, are set side by side: that takes memory and time by their square. */
export const MOST_EDITS = 1_000;

/** Unchanged lines that are shown before and after each change. */
const AROUND = 2;

/** The longest common subsequence stays, gone lines stand before new ones. Undefined where more has changed than is looked for. */
export function difference(before: readonly string[], after: readonly string[]): DiffLine[] | undefined {
  let first = 0;
  let [n, m] = [before.length, after.length];
  while (first < n && first < m && before[first] === after[first]) first++;
  while (n > first && m > first && before[n - 1] === after[m - 1]) (n--, m--);
  if (Math.max(n, m) - first > MOST_EDITS) return undefined;
  const wide = m - first + 1;
  /** How many lines are common from a line of each on. */
  const common = new Uint16Array((n - first + 1) * wide);
  const place = (old: number, now: number) => (old - first) * wide + now - first;
  for (let old = n; old-- > first; ) {
    for (let now = m; now-- > first; ) {
      common[place(old, now)] = before[old] === after[now] ? common[place(old + 1, now + 1)]! + 1 : Math.max(common[place(old + 1, now)]!, common[place(old, now + 1)]!);
    }
  }
  const found: DiffLine[] = [];
  let [old, now] = [0, 0];
  while (old < before.length || now < after.length) {
    const changed = old >= first && now >= first && old < n + 1 && now < m + 1 && (old < n || now < m);
    if (!changed || (old < n && now < m && before[old] === after[now])) found.push({ sign: "", before: ++old, after: ++now });
    else if (old < n && (now === m || common[place(old + 1, now)]! >= common[place(old, now + 1)]!)) found.push({ sign: "−", before: ++old, after: 0 });
    else found.push({ sign: "+", before: 0, after: ++now });
  }
  return found;
}

/** A stretch of the lines of a difference. */
export interface Stretch {
  from: number;
  to: number;
  /** Unchanged lines, too far from any change to be of interest. */
  folded: boolean;
}

/** Fold what has not changed; a fold of one line would save none. */
export function folded(lines: readonly DiffLine[]): Stretch[] {
  const near = new Uint8Array(lines.length);
  lines.forEach(({ sign }, at) => sign && near.fill(1, Math.max(0, at - AROUND), at + AROUND + 1));
  const found: Stretch[] = [];
  for (let from = 0, to = 0; from < lines.length; from = to) {
    while (to < lines.length && near[to] === near[from]) to++;
    found.push({ from, to, folded: !near[from] && to - from > 1 });
  }
  return found;
}
