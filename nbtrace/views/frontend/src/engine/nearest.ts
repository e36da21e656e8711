// Names that somebody may have meant.

const LONG = 80;
/** Names that are compared with one: with more a person waits at each key. */
const MOST = 2_000;

/** The names that lie nearest, the best first: at most `share` of the letters differ. */
export function nearest(name: string, known: readonly string[], share = 0.5): string[] {
  if (name.length > LONG) return [];
  const word = name.toLowerCase();
  const found = known.slice(0, MOST).map((each): [number, string] => [each.endsWith(`.${name}`) ? 0 : distance(word, each.toLowerCase()), each]);
  found.sort(([a], [b]) => a - b);
  return found.filter(([away, each]) => away <= Math.max(name.length, each.length) * share && away <= found[0]![0] + 1).slice(0, 3).map(([, each]) => each);
}

/** How many letters are to be put in, taken out or changed. */
function distance(one: string, other: string): number {
  if (Math.abs(one.length - other.length) > LONG) return Infinity;
  let above = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (let i = 1; i <= one.length; i++) {
    const row = [i];
    for (let j = 1; j <= other.length; j++) row.push(Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + Number(one[i - 1] !== other[j - 1])));
    above = row;
  }
  return above[other.length]!;
}
