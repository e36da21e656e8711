// What was said to a language model and by it: who said what, which tools were called, and what they gave.

import { Fragment } from "preact";
import { useState } from "preact/hooks";
import type { Conversation, Message, Part } from "../engine/conversation";
import { shapeOf } from "../engine/shapes";
import { lines, plain } from "../engine/words";
import { Copy, Picture } from "./value";

/** JSON that is no longer stays in a line. */
const SHORT = 60;
/** Letters and lines that are shown before a text is unfolded, and letters at the most. */
const FEW = 320;
const FEW_LINES = 12;
const MOST = 70_000;

export function Talk({ talk }: { talk: Conversation }) {
  const { messages, count, gap } = talk;
  const noun = messages.some(({ role }) => role === "document") ? "" : `${count.toLocaleString("en-US")} message${count === 1 ? "" : "s"}`;
  return (
    <section class="nbt-talk" aria-label={talk.title}>
      <h4>{talk.title} {talk.title === "Conversation" && <span class="nbt-quiet">{noun}</span>} <Copy text={() => written(messages)} what="what is shown of it" /></h4>
      {messages.map((message, at) => (
        <Fragment key={at}>
          {at === gap && <p class="nbt-quiet">⋯ {(count - messages.length).toLocaleString("en-US")} messages are not shown</p>}
          <Said message={message} />
        </Fragment>
      ))}
      {talk.cut && <p class="nbt-quiet">The recording had cut a text of more than 65,536 characters: what followed is missing.</p>}
    </section>
  );
}

const KNOWN = ["system", "user", "assistant", "tool"];

function Said({ message: { role, parts } }: { message: Message }) {
  return (
    <div class={`nbt-said nbt-by-${KNOWN.includes(role) ? role : "other"}`}>
      <div class="nbt-role">{plain(role, 40)}</div>
      {!parts.length && <span class="nbt-quiet">nothing</span>}
      {parts.map((part, at) => <Piece key={at} part={part} />)}
    </div>
  );
}

function Piece({ part: { kind, text, name } }: { part: Part }) {
  const shape = text.startsWith("data:") ? shapeOf(text) : undefined;
  if (shape?.image) return <div><span class="nbt-quiet">{shape.said}</span><Picture image={shape.image} said={shape.said} /></div>;
  if (shape) return <span class="nbt-quiet">{shape.said}</span>;
  const label = kind === "call" ? `→ ${plain(name || "tool", 100)}` : kind === "result" ? `← ${plain(name || "result", 100)}` : kind === "reasoning" ? "thinks" : "";
  return (
    <div>
      {label && <div class="nbt-called">{label}</div>}
      <Long text={text} fixed={kind === "call" || kind === "result" || (kind === "text" && /^\s*[[{]/.test(text))} quiet={kind === "reasoning" || kind === "other"} />
    </div>
  );
}

/** A text, of a long one the beginning. */
function Long({ text, fixed, quiet }: { text: string; fixed: boolean; quiet: boolean }) {
  const [open, setOpen] = useState(false);
  const full = (fixed && text.length > SHORT && shapeOf(text)?.text) || text;
  // To hide a few words is not worth a button.
  const short = full.length < FEW * 1.5 && full.split("\n").length < FEW_LINES * 1.5;
  const few = short ? full : full.slice(0, FEW).split("\n").slice(0, FEW_LINES).join("\n");
  const folded = full.length > few.length;
  const shown = lines(open ? full.slice(0, MOST) : few);
  return (
    <>
      <div class={`nbt-words ${fixed ? "nbt-fixed" : ""} ${quiet ? "nbt-quiet" : ""}`}>{shown}{folded && !open && "…"}</div>
      {folded && (
        <button type="button" class="nbt-small" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? "less" : `all ${full.length.toLocaleString("en-US")} characters`}
        </button>
      )}
      {open && full.length > MOST && <span class="nbt-quiet"> {(full.length - MOST).toLocaleString("en-US")} more are not shown</span>}
    </>
  );
}

/** As text, to be copied. */
function written(messages: Message[]): string {
  return messages.map(({ role, parts }) => `${role}:\n${parts.map(({ name, text }) => (name ? `${name}: ${text}` : text)).join("\n")}`).join("\n\n");
}
