// Canvases: as sharp as the screen, with hands that drag.

import { useEffect, useRef } from "preact/hooks";
import type { Pen } from "../pictures/canvas";
import type { Theme } from "../pictures/colours";
import type { Session } from "../session/session";

export interface PictureProps {
  session: Session;
  theme: Theme;
  width: number;
  height: number;
  /** Says how high all of it would be. */
  want?: (height: number) => void;
}

/** A canvas as sharp as the screen, painted after each drawing of the page. */
export function useCanvas(width: number, height: number, paint: (pen: Pen) => void) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const element = canvas.current;
    const pen = element?.getContext("2d", { alpha: false });
    if (!element || !pen || width < 1 || height < 1) return;
    const density = Math.min(3, window.devicePixelRatio || 1);
    const [wide, tall] = [Math.round(width * density), Math.round(height * density)];
    if (element.width !== wide || element.height !== tall) {
      element.width = wide;
      element.height = tall;
    }
    pen.setTransform(density, 0, 0, density, 0, 0);
    paint(pen);
  });
  return canvas;
}

/** Follow the pointer until it is let go. */
export function capture(event: PointerEvent, move: (event: PointerEvent) => void, end?: (event: PointerEvent) => void): void {
  const element = event.currentTarget as HTMLElement;
  element.setPointerCapture(event.pointerId);
  const stop = (last: PointerEvent) => {
    element.removeEventListener("pointermove", move);
    element.removeEventListener("pointerup", stop);
    element.removeEventListener("pointercancel", stop);
    end?.(last);
  };
  element.addEventListener("pointermove", move);
  element.addEventListener("pointerup", stop);
  element.addEventListener("pointercancel", stop);
}
