// The inspector of one widget: opened by the loader with what has arrived so far.

import { render } from "preact";
import type { Inspector, Model, Pending } from "./model";
import { App } from "./panels/app";
import { STYLE } from "./panels/style";
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
  const show = hideTwin(el);
  return () => {
    render(null, place);
    show();
  };
}

/** Hide the table that stands before the widget for those who cannot see it; returns what shows it again. */
function hideTwin(el: HTMLElement): () => void {
  let hidden: HTMLElement | null = null;
  let frame = 0;
  // A front end may put the element into its page after it was drawn: all but the first inspector of a page are drawn at once.
  const look = () => {
    if (!el.isConnected) {
      frame = requestAnimationFrame(look);
      return;
    }
    const output = el.closest<HTMLElement>(".jp-OutputArea-child, .output_area, .cell-output-ipywidget-background");
    const before = output?.previousElementSibling as HTMLElement | null | undefined;
    if (!before?.querySelector(".nbtrace")) return;
    before.style.display = "none";
    hidden = before;
  };
  look();
  return () => {
    cancelAnimationFrame(frame);
    hidden?.style.removeProperty("display");
  };
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
