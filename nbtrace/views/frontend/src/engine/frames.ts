// Frames as the kernel sends them (nbtrace/views/inspector/frames.py): a header of JSON, then typed columns.

export type Column = Float64Array | Uint32Array | Int32Array | Uint8Array;

/** number, execution count, what the runs of a cell share, run, source */
export type CellInfo = [number, number | null, number, number, string];

export interface SpansHeader {
  kind: "spans";
  first: number;
  count: number;
  zero: string;
  /** Names that are new at the end, and those that take the number of one that no row has any more. */
  names: string[];
  renamed: [number, string][];
  cells: CellInfo[];
  reset: boolean;
  dropped: number;
  now: number;
}

/** The kernel asks whether that is what has arrived. */
export interface HaveHeader {
  kind: "have";
  rows: number;
  details: number;
}

export interface Frame {
  header: SpansHeader | { kind: "details" } | HaveHeader;
  columns: Column[];
}

const TYPES: Record<string, new (buffer: ArrayBuffer, offset: number, length: number) => Column> = {
  f8: Float64Array,
  u4: Uint32Array,
  i4: Int32Array,
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
