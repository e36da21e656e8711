// The two sides between which the inspector stands: a widget's model, and an element of the page.

import type { FromBrowser } from "./protocol";

export interface Model {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  on(name: string, callback: (...args: any[]) => void): void;
  off(name: string, callback: (...args: any[]) => void): void;
  send(content: FromBrowser): void;
}

export type Pending = [{ kind?: string }, DataView[]][];

export interface Inspector {
  open(model: Model, pending: Pending): { render(el: HTMLElement): () => void };
}
