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
  critical: string;
  match: string;
  font: string;
}

export const LIGHT: Theme = {
  dark: false, ground: "#ffffff", raised: "#f5f6f7", text: "#1f2328", quiet: "#656d76", line: "#e3e6e9", accent: "#0969da",
  error: "#c2410c", critical: "#1f2328", match: "#fde68a", font: "system-ui, sans-serif",
};
export const DARK: Theme = {
  dark: true, ground: "#16181c", raised: "#1f2226", text: "#e6e8ea", quiet: "#9aa3ad", line: "#2e3238", accent: "#58a6ff",
  error: "#ff8a5c", critical: "#f5f6f7", match: "#6b5a16", font: "system-ui, sans-serif",
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

/** From blue (faster) by grey to orange (slower), for a ratio of after to before. */
export function changeColour(before: number, after: number, theme: Theme): string {
  const change = before === 0 ? 1 : after === 0 ? -1 : Math.max(-1, Math.min(1, Math.log2(after / before) / 2));
  const grey = theme.dark ? [70, 74, 80] : [222, 226, 230];
  const full = change > 0 ? (theme.dark ? [190, 84, 20] : [240, 150, 90]) : theme.dark ? [30, 110, 170] : [110, 180, 225];
  const mixed = grey.map((part, i) => Math.round(part + (full[i]! - part) * Math.abs(change)));
  return `rgb(${mixed.join(",")})`;
}
