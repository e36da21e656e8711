// The inspector in a file of its own: the frames stand in the page, and there is no kernel.

import { able, mount } from "./main";
import type { Model } from "./model";
import { Session } from "./session/session";

const state: Record<string, unknown> = { height: "fill", selection: "" };
const model: Model = {
  get: (name) => state[name],
  set: (name, value) => void (state[name] = value),
  save_changes() {},
  on() {},
  off() {},
  send() {},
};

const stored = JSON.parse(document.getElementById("nbtrace-data")!.textContent!) as { frames: string[]; note: string };
state._note = stored.note;
const session = new Session(model);
for (const text of stored.frames) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  session.receipt.receive(new DataView(bytes.buffer));
}
if (able()) mount(session, document.getElementById("nbtrace")!);
