// The inspector of one widget: opened by the loader with what has arrived so far.

// What is alike stands near each other in the bundle if it is asked for in this order, and packs better.
import "./engine/highlight";
import "./engine/words";
import "./pictures/usage";

import { render } from "preact";
import type { Inspector, Model, Pending } from "./model";
import { App } from "./panels/app";
import STYLE from "./panels/style.css";
import { BYE, FRAME } from "./protocol";
import { Session } from "./session/session";

/** Whether this browser has what the inspector needs; without it the static twin stays. */
export function able(): boolean {
  return typeof DecompressionStream === "function" && typeof ResizeObserver === "function" && typeof Array.prototype.findLast === "function";
}

/** Draw a session into an element; returns what takes it out again. */
export function mount(session: Session, el: HTMLElement): () => void {
  const style = document.createElement("style");
  style.textContent = STYLE;
  const place = document.createElement("div");
  el.replaceChildren(style, place);
  render(<App session={session} host={el} />, place);
  // For tests: a canvas cannot be asked what it shows.
  (el as { nbtrace?: Session }).nbtrace = session;
  return () => render(null, place);
}

export const open: Inspector["open"] = (model: Model, pending: Pending) => {
  const session = new Session(model);
  const first = model.get("_first") as DataView | undefined;
  if (first?.byteLength) session.receipt.receive(first);
  const heard = (message: { kind?: string }, buffers: DataView[]) => {
    if (message?.kind === FRAME && buffers[0]) session.receipt.receive(buffers[0]);
  };
  for (const [message, buffers] of pending) heard(message, buffers);
  model.on("msg:custom", heard);
  model.on("change:selection", () => void session.selectId(String(model.get("selection") ?? "")));
  let views = 0;
  return {
    render(el: HTMLElement) {
      if (!able()) return () => {};
      // The kernel follows the recording only while somebody looks: a cell that is run again leaves its old inspector behind.
      if (!views++) session.receipt.greet();
      const unmount = mount(session, el);
      return () => {
        unmount();
        if (!--views) model.send({ kind: BYE });
      };
    },
  };
};
