// Frames as the kernel sends them (nbtrace/views/inspector/frames.py): a header of JSON, then typed columns.

import type { Header } from "../protocol";

export type Column = Float64Array | Uint32Array | Int32Array | Uint16Array | Uint8Array;

export interface Frame {
  header: Header;
  columns: Column[];
}

const TYPES: Record<string, new (buffer: ArrayBuffer, offset: number, length: number) => Column> = {
  f8: Float64Array,
  u4: Uint32Array,
  i4: Int32Array,
  u2: Uint16Array,
  u1: Uint8Array,
};

/** Read a frame; the columns are views of its memory where that lies well, else of a copy. */
export function unpack(data: DataView): Frame {
  let bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  if (bytes.byteOffset % 8) bytes = bytes.slice();
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  let offset = bytes.byteOffset + 4 + length;
  const columns = (header.columns as [string, number][]).map(([type, count]) => {
    const Type = TYPES[type];
    if (!Type) throw new Error(`nbtrace: unknown column type ${type}`);
    const column = new Type(bytes.buffer as ArrayBuffer, offset, count);
    offset += Math.ceil(column.byteLength / 8) * 8;
    return column;
  });
  return { header, columns };
}
