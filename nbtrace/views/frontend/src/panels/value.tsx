// Values of attributes, by what they are; and what copies them.

import { Fragment } from "preact";
import { useMemo, useState } from "preact/hooks";
import { shapeOf } from "../engine/shapes";
import { isMarked, lines, plain, value, whole } from "../engine/words";

export function Copy({ text, what, label = "copy" }: { text: () => string; what: string; label?: string }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text());
    } catch {
      // No permission, or no clipboard in this frame: the old way.
      const area = document.createElement("textarea");
      area.value = text();
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    setDone(true);
    setTimeout(() => setDone(false), 1200);
  };
  return (
    <button type="button" class="nbt-small" aria-label={`${label}${label === "copy" ? "" : ":"} ${what}`} title={`copy ${what}`} onClick={copy}>
      {done ? "copied" : label}
    </button>
  );
}

/** A text that breaks behind dots, underscores and slashes rather than within a word. */
export function Broken({ text }: { text: string }) {
  return <>{(text.match(/[^._/\\:=,-]*[._/\\:=,-]+|[^._/\\:=,-]+/g) ?? []).map((part, at) => (at ? <Fragment key={at}><wbr />{part}</Fragment> : part))}</>;
}

export function Pairs({ entries }: { entries: [string, unknown][] }) {
  return (
    <table class="nbt-pairs">
      <tbody>
        {entries.map(([key, item]) => (
          <tr key={key}>
            <th scope="row"><Broken text={plain(key)} /></th>
            <td><Value item={item} /></td>
            <td><Copy text={() => whole(item)} what={plain(key, 60)} /></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const MAX_ITEMS = 50;

/** Letters that are shown of one value. */
const MOST = 70_000;

/** A value: what it is where its shape tells, and what is packed in it unfolded. */
function Value({ item }: { item: unknown }) {
  const [open, setOpen] = useState(false);
  const shape = useMemo(() => shapeOf(item), [item]);
  const entries = item !== null && typeof item === "object" && !isMarked(item) ? Object.entries(item) : undefined;
  const long = typeof item === "string" && item.length > 240;
  if (!entries && !long && !shape?.text) return <span><Broken text={value(item, 240)} /></span>;
  const said = shape?.said ?? (entries ? `${Array.isArray(item) ? "[" : "{"}${entries.length}${Array.isArray(item) ? "]" : "}"}` : "");
  return (
    <div>
      <button type="button" class="nbt-unfold" aria-expanded={open} onClick={() => setOpen(!open)}>
        {open ? "▾" : "▸"} {said} {!open && !shape?.image && <span class={said && "nbt-quiet"}>{value(item, said ? 60 : 100)}</span>}
      </button>
      {shape?.image && <Picture image={shape.image} said={shape.said} />}
      {open && (entries ? <Pairs entries={entries.slice(0, MAX_ITEMS)} /> : <pre class={`nbt-text ${shape?.instead ? "nbt-wide" : ""}`} tabIndex={0}>{lines((shape?.text ?? (item as string)).slice(0, MOST))}</pre>)}
      {open && entries && entries.length > MAX_ITEMS && <span class="nbt-quiet">and {entries.length - MAX_ITEMS} more; copy has all</span>}
    </div>
  );
}

/** A picture that a span carries; nothing where the browser cannot read it. */
export function Picture({ image, said }: { image: string; said: string }) {
  const [broken, setBroken] = useState(false);
  return broken ? null : <img class="nbt-picture" src={image} alt={said} onError={() => setBroken(true)} />;
}
