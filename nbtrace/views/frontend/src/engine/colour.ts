// The colour of a name, as a number: views/colours.py.

/** How many colours there are, that of cells left out. */
export const COLOURS = 8;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ 0xedb88320 : byte >>> 1;
  return byte;
});

/** 0 for a cell, whose name is another each time, else 1 up to the number of colours. */
export function hue(name: string): number {
  if (/^cell \[\d*\]/.test(name)) return 0;
  let sum = 0xffffffff;
  for (const byte of new TextEncoder().encode(name)) sum = TABLE[(sum ^ byte) & 255]! ^ (sum >>> 8);
  return 1 + ((sum ^ 0xffffffff) >>> 0) % COLOURS;
}
