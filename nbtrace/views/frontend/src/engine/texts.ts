// Texts that hold something else: JSON, be it cut.

/** What stands behind a text that nbtrace has cut (nbtrace/store/values.py). */
const CUT = /(?:… )?\[\+([\d,]+) (?:characters|items)\]$/;

/** How many characters or items a mark says are left out; 0 for any other text. */
export function leftOut(text: string): number {
  const found = CUT.exec(text.slice(-60));
  return found ? Number(found[1]!.replaceAll(",", "")) : 0;
}

/** What a text is as JSON, an object or an array; of an array that was cut, the items that are whole. Undefined for any other text. */
export function unpacked(text: string): object | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text) as object;
  } catch {
    if (!leftOut(text) || !/^\s*\[/.test(text)) return undefined;
  }
  try {
    return JSON.parse(`${text.slice(0, wholeItems(text.slice(0, text.lastIndexOf("[+"))))}]`) as object;
  } catch {
    return undefined;
  }
}

/** Where the last item of an array ends that is whole, or its bracket begins. */
function wholeItems(text: string): number {
  let [depth, quoted, end] = [0, false, text.indexOf("[") + 1];
  for (let at = 0; at < text.length; at++) {
    const sign = text[at]!;
    if (quoted) {
      if (sign === "\\") at++;
      else if (sign === '"') quoted = false;
    } else if (sign === '"') quoted = true;
    else if (sign === "[" || sign === "{") depth++;
    else if ((sign === "]" || sign === "}") && --depth === 1) end = at + 1;
  }
  return end;
}

/** Levels of JSON that are indented: with the levels the indents would grow by their square. */
const MAX_LEVELS = 100;

/** JSON as people read it; the text itself where it is none. */
export function pretty(item: unknown): string {
  const found = typeof item === "string" ? (unpacked(item) ?? item) : item;
  if (typeof found === "string") return found;
  try {
    const flat = JSON.stringify(found) ?? String(found);
    let level = 0;
    for (const sign of flat) if ((level += "[{".includes(sign) ? 1 : "]}".includes(sign) ? -1 : 0) > MAX_LEVELS) return flat;
    return JSON.stringify(found, null, 2) ?? flat;
  } catch {
    return typeof item === "string" ? item : "nested too deep";
  }
}
