// Colours of spans, told apart by people of any colour vision (after Okabe and Ito), for light and dark ground.

export interface Theme {
  dark: boolean;
  ground: string;
  raised: string;
  text: string;
  quiet: string;
  line: string;
  accent: string;
  error: string;
  match: string;
  /** Behind a line of code: how hot it is. */
  heat: string;
  /** Of keywords, strings, numbers, builtins. */
  code: readonly [string, string, string, string];
  font: string;
}

export const LIGHT: Theme = {
  dark: false, ground: "#ffffff", raised: "#f5f6f7", text: "#1f2328", quiet: "#59636e", line: "#e3e6e9", accent: "#0969da",
  error: "#c2410c", match: "#fde68a", heat: "#fbc7a0", code: ["#0b6e4f", "#a0380e", "#0550ae", "#6639ba"], font: "system-ui, sans-serif",
};
export const DARK: Theme = {
  dark: true, ground: "#16181c", raised: "#1f2226", text: "#e6e8ea", quiet: "#9aa3ad", line: "#2e3238", accent: "#58a6ff",
  error: "#ff8a5c", match: "#6b5a16", heat: "#7d4421", code: ["#7ee0a8", "#f0a07c", "#8cc4ff", "#c9a8ff"], font: "system-ui, sans-serif",
};

/** On light ground those of views/colours.py. */
const CELL = ["#cfd4da", "#4a5058"] as const;
const HUES = [
  ["#8ecae6", "#1f6f95"], ["#f4c77b", "#8a5a00"], ["#8fd3b6", "#0b6e4f"], ["#e3b1cd", "#8a4a70"],
  ["#b9c6f2", "#4a5aa8"], ["#d9d27a", "#6f6900"], ["#a9d8d8", "#226f73"], ["#d8c3a5", "#6e5a3c"],
] as const;

/** The colour of a name, by its number: cells are grey. */
export function colourOf(hue: number, theme: Theme): string {
  const pair = hue === 0 ? CELL : HUES[hue - 1]!;
  return pair[theme.dark ? 1 : 0];
}

/** Of bars that stand on the ground: three times as light or dark as that, so that a bar is found, and text on it can be read. */
const BARS = [
  ["#88939f", "#606772"], ["#3e9bc6", "#1f6f95"], ["#c28620", "#8a5a00"], ["#4aa17c", "#0c7554"], ["#c67aa4", "#915075"],
  ["#788edb", "#4f5fb0"], ["#9c9438", "#6f6900"], ["#519e9e", "#237175"], ["#ae8c5b", "#776141"],
] as const;

/** The colour of a bar in the waterfall, by the number of its name's. */
export function barColour(hue: number, theme: Theme): string {
  return BARS[hue]![theme.dark ? 1 : 0];
}

/** How much of a colour sampled frames have, by what they do: paler than spans, and palest while they wait; and in how many shades, so
 * that functions of a library are told apart. */
const STRENGTH = [0.5, 0.5, 0.22];
const SHADES = [1, 0.72, 1.3];
const paler: Partial<Record<"dark" | "light", string[]>> = {};

/** Where among these the colour of a frame is: by the number of its library's, by `mode` as in engine/parts.ts, and by which it is. */
export function frameColourAt(hue: number, mode: number, which: number): number {
  return (hue * STRENGTH.length + mode) * SHADES.length + (which % SHADES.length);
}

/** Colours of sampled frames. */
export function frameColours(theme: Theme): readonly string[] {
  // The ground of the page may be written as any colour is.
  const ground = parts((theme.dark ? DARK : LIGHT).ground);
  return (paler[theme.dark ? "dark" : "light"] ??= Array.from({ length: frameColourAt(HUES.length + 1, 0, 0) }, (_, i) => {
    const [shade, kind] = [SHADES[i % SHADES.length]!, Math.floor(i / SHADES.length)];
    const full = parts(colourOf(Math.floor(kind / STRENGTH.length), theme));
    return `rgb(${ground.map((part, k) => Math.round(part + (full[k]! - part) * STRENGTH[kind % STRENGTH.length]! * shade)).join(",")})`;
  }));
}

/** Red, green and blue of #rrggbb. */
function parts(colour: string): number[] {
  return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
}

const USAGE = [["#3d8fbf", "#58a6d6"], ["#2f9e78", "#4fb892"], ["#c08019", "#d9a441"], ["#868e98", "#8b949e"], ["#b0679b", "#cf8dbb"], ["#6a78c9", "#8fa0ef"]] as const;

/** Of who computed, by its number in engine/usage.ts, and of memory behind them. Textures tell them apart as well. */
export function usageColour(kind: number, theme: Theme): string {
  return USAGE[kind]![theme.dark ? 1 : 0];
}

/** From blue (faster) by grey to orange (slower), for a ratio of after to before. */
export function changeColour(before: number, after: number, theme: Theme): string {
  const change = before === 0 ? 1 : after === 0 ? -1 : Math.max(-1, Math.min(1, Math.log2(after / before) / 2));
  const grey = theme.dark ? [70, 74, 80] : [222, 226, 230];
  const full = change > 0 ? (theme.dark ? [190, 84, 20] : [240, 150, 90]) : theme.dark ? [30, 110, 170] : [110, 180, 225];
  const mixed = grey.map((part, i) => Math.round(part + (full[i]! - part) * Math.abs(change)));
  return `rgb(${mixed.join(",")})`;
}
