// What the notebook stores of the inspector: a few lines that ask for the rest. Messages that come before it are kept.

import type { Inspector, Model, Pending } from "./model";
import { CODE, HELLO } from "./protocol";

declare const BUNDLE: string;

type Shared = Record<string, Promise<Inspector> | undefined>;
// One copy of the bundle for all inspectors of a page; another version of nbtrace in another kernel has its own.
const shared = ((globalThis as { __nbtrace?: Shared }).__nbtrace ??= {});
const opened = new WeakMap<Model, Promise<ReturnType<Inspector["open"]>>>();

async function load(model: Model): Promise<ReturnType<Inspector["open"]>> {
  const pending: Pending = [];
  let known: (code: string) => void = () => {};
  const heard = (message: { kind?: string; code?: string }, buffers: DataView[]) => {
    if (message?.kind === CODE) known(message.code ?? "");
    else pending.push([message, buffers]);
  };
  model.on("msg:custom", heard);
  let code = model.get("_code") as string;
  if (!code && !shared[BUNDLE]) {
    code = await new Promise<string>((resolve) => {
      known = resolve;
      model.send({ kind: HELLO, rows: 0, code: false });
    });
  }
  shared[BUNDLE] ??= evaluate(code);
  const inspector = await shared[BUNDLE];
  model.off("msg:custom", heard);
  return inspector.open(model, pending);
}

async function evaluate(code: string): Promise<Inspector> {
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  try {
    return (await import(url)) as Inspector;
  } finally {
    URL.revokeObjectURL(url);
  }
}

export default {
  async render({ model, el }: { model: Model; el: HTMLElement }) {
    let view = opened.get(model);
    if (!view) opened.set(model, (view = load(model)));
    return (await view).render(el);
  },
};
