// Light or dark: what the page around the inspector is.

import { DARK, LIGHT, type Theme } from "../pictures/colours";

/** The theme of the page around `element`: notebooks say it in variables; elsewhere the ground that shines through tells. */
export function themeOf(element: Element): Theme {
  const style = getComputedStyle(element);
  const variable = (...names: string[]) => names.map((name) => style.getPropertyValue(name).trim()).find(Boolean);
  let ground = variable("--jp-layout-color0", "--vscode-editor-background", "--background");
  for (let at: Element | null = element; !ground && at; at = at.parentElement ?? (at.getRootNode() as ShadowRoot).host ?? null) {
    const own = getComputedStyle(at).backgroundColor;
    if (own && !/^(transparent|rgba\(.*, ?0\))$/.test(own)) ground = own;
  }
  const light = ground ? luminance(ground, element) : matchMedia("(prefers-color-scheme: dark)").matches ? 0 : 1;
  const base = light < 0.4 ? DARK : LIGHT;
  return { ...base, ground: ground ?? base.ground, font: variable("--jp-ui-font-family", "--vscode-font-family") ?? base.font };
}

/** How light a CSS colour is, from 0 to 1. */
function luminance(colour: string, element: Element): number {
  const context = element.ownerDocument.createElement("canvas").getContext("2d");
  if (!context) return 1;
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  const [red, green, blue] = context.getImageData(0, 0, 1, 1).data as unknown as [number, number, number];
  return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
}
