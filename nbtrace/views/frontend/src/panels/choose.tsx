// A choice among many: a button that shows what is chosen, and over everything else a list with a field that finds in it.

import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

type Value = string | number;

/** Its name, and what stands at its right: numbers, worked out for those that are shown. */
export type Option = [value: Value, text: string, notes?: () => string[]];

interface Props {
  label: string;
  class?: string;
  value: Value;
  /** What the button shows. */
  chosen: string;
  /** Asked for while the list is open; the same array as long as nothing has changed. */
  options: () => Option[];
  choose: (value: never) => void;
  /** Somebody is about to look at the options. */
  look?: () => void;
}

/** So many options are in the page at once. */
const MOST = 200;
/** So many need no field. */
const FEW = 8;
/** With less room below, in pixels, the list stands above the button where there is more. */
const LEAST = 300;

const told = (number: number) => number.toLocaleString("en-US");

/** Focus stays in the field: its loss closes the list, and a click on the button would open it again. */
const still = (event: Event) => event.preventDefault();

export function Choose({ label, class: kind = "", value, chosen, options, choose, look }: Props) {
  /** What was typed; undefined while the list is closed. */
  const [typed, type] = useState<string>();
  /** Where the keys are, by its value: others come and go. What was typed begins at the first that it finds. */
  const [active, go] = useState<Value>();
  const button = useRef<HTMLButtonElement>(null);
  const popup = useRef<HTMLDivElement>(null);
  const top = useRef(0);
  const open = typed != null;
  const all = open ? options() : [];
  const words = (typed ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const found = useMemo(() => all.filter(([, text]) => ((text = `${text} ${text.replace(/[[\]]/g, "")}`.toLowerCase()), words.every((word) => text.includes(word)))), [all, typed]);
  const pattern = RegExp(`(${words.map((word) => word.replace(/\W/g, "\\$&")).join("|") || "$^"})`, "i");
  // One that is gone by now is no other.
  const at = active === undefined ? 0 : found.findIndex(([each]) => each === active);
  // Those in the page change by a hundred at once, so that the list moves seldom below the keys.
  const from = Math.max(0, Math.min(at - (at % 100) - 50, found.length - MOST));
  const find = (next?: string) => (type(next), go(next ? undefined : value));
  const close = () => find();
  const pick = (option: Option | undefined, stays: HTMLElement) => {
    stays.focus({ preventScroll: true });
    close();
    if (option) choose(option[0] as never);
  };

  useLayoutEffect(() => {
    if (!open) return;
    popup.current!.showPopover?.();
    popup.current!.querySelector("input")!.focus({ preventScroll: true });
    // What grows above may be scrolled away just so far that everything stays where it is.
    const scrolled = () => button.current!.getBoundingClientRect().top !== top.current && close();
    addEventListener("scroll", scrolled, true);
    return () => removeEventListener("scroll", scrolled, true);
  }, [open]);
  useLayoutEffect(() => {
    if (!open) return;
    const { left, bottom, width, top: y } = button.current!.getBoundingClientRect();
    const { style, offsetWidth } = popup.current!;
    const below = innerHeight - bottom;
    const up = below < LEAST && below < y;
    top.current = y;
    // What is found changes neither its width nor its place.
    style.cssText = `left:${Math.min(left, innerWidth - 8 - offsetWidth)}px;min-width:${Math.max(width, offsetWidth)}px;max-height:${(up ? y : below) - 8}px;${up ? `bottom:${innerHeight - y}` : `top:${bottom}`}px`;
  });
  useLayoutEffect(() => popup.current?.querySelector(".nbt-active")?.scrollIntoView({ block: "nearest" }), [typed, found[at]?.[0]]);

  const pressed = (event: KeyboardEvent) => {
    const { key } = event;
    const by = ({ ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -at, End: found.length } as Record<string, number>)[key];
    // No key of an open list is the inspector's or the notebook's, nor what opens one.
    if (!open && (key.length > 1 ? !by : key === " " || event.ctrlKey || event.metaKey || event.altKey)) return;
    event.stopPropagation();
    if (!open) find(by ? "" : key);
    else if (by != null) go(found[Math.max(0, Math.min(found.length - 1, at + by))]?.[0]);
    else if (!event.isComposing && (key === "Enter" || key === "Escape")) pick(key === "Enter" ? found[at] : undefined, button.current!);
    else return;
    event.preventDefault();
  };
  const more = (number: number) => number > 0 && <div role="presentation" class="nbt-quiet">… {told(number)} more: type to narrow</div>;
  return (
    <span class={`nbt-choose ${kind}`} onPointerEnter={look} onFocusIn={look} onKeyDown={pressed}>
      <button
        ref={button} type="button" class="nbt-input" aria-haspopup="listbox" aria-expanded={open} aria-label={`${label}: ${chosen}`} title={chosen}
        onMouseDown={still} onClick={() => (open ? pick(undefined, button.current!) : find(""))}
      >
        <span>{chosen}</span>
      </button>
      {open && (
        <div ref={popup} popover="manual" class="nbt-list">
          <div class={all.length > FEW || typed ? "nbt-find" : "nbt-read"}>
            <input
              class="nbt-input" role="combobox" aria-label={`find: ${label}`} aria-expanded="true" aria-controls="nbt-options" aria-autocomplete="list" aria-activedescendant={found[at] && `nbt-option${at}`}
              autocomplete="off" placeholder="type to find" value={typed} onBlur={close} onInput={(event) => find(event.currentTarget.value)}
            />
            <span role="status" class="nbt-quiet">{typed && `${told(found.length)} found`}</span>
          </div>
          <div role="listbox" id="nbt-options" tabIndex={-1} aria-label={label} onMouseDown={still}>
            {more(from)}
            {found.slice(from, from + MOST).map((option, place) => (
              // After a hand keys are the inspector's; who chooses by keys stays with the choice.
              <div
                key={option[0]} role="option" id={`nbt-option${(place += from)}`} aria-selected={option[0] === value} aria-setsize={found.length} aria-posinset={place + 1}
                class={place === at ? "nbt-active" : ""} onClick={() => pick(option, button.current!.closest<HTMLElement>(".nbt")!)}
              >
                <span>{option[1].split(pattern).map((part, odd) => (odd % 2 ? <mark>{part}</mark> : part))}</span>
                {option[2]?.().map((note) => <span class="nbt-quiet">{note}</span>)}
              </div>
            ))}
            {more(found.length - from - MOST)}
          </div>
        </div>
      )}
    </span>
  );
}
