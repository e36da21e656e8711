// Focus that stays: a click that takes away what it was on (a row of a table that leads to another view) leaves keys working.

import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

/** Give focus to an element when what had it inside is gone. */
export function useFocusInside(root: RefObject<HTMLElement>): void {
  const had = useRef(false);
  useEffect(() => {
    const element = root.current!;
    const came = () => void (had.current = true);
    const went = ({ target, relatedTarget }: FocusEvent) => {
      // What is taken out of the page may say so on its way; it is known only afterwards.
      if (!element.contains(relatedTarget as Node | null)) queueMicrotask(() => (target as Node).isConnected && (had.current = false));
    };
    element.addEventListener("focusin", came);
    element.addEventListener("focusout", went);
    return () => (element.removeEventListener("focusin", came), element.removeEventListener("focusout", went));
  }, []);
  useLayoutEffect(() => {
    const element = root.current!;
    const { activeElement } = element.getRootNode() as Document | ShadowRoot;
    if (had.current && (!activeElement || activeElement === element.ownerDocument.body)) element.focus({ preventScroll: true });
  });
}
