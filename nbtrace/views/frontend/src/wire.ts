// Frames as the kernel sends them (nbtrace/views/wire.py): a header of JSON, then typed columns.

export type Column = Float64Array | Uint32Array | Int32Array | Uint8Array;

/** number, execution count, what the runs of a cell share, run, source */
export type CellInfo = [number, number | null, number, number, string];

export interface SpansHeader {
  kind: "spans";
  first: number;
  count: number;
  zero: string;
  names: string[];
  cells: CellInfo[];
  reset: boolean;
  dropped: number;
  now: number;
}

export interface Frame {
  header: SpansHeader | { kind: "details" };
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

/** An event or link: name and time in ns, or trace and span id; attributes. */
export type Noted = [string, string, Record<string, unknown>];

export interface Details {
  id: string;
  trace: string;
  parent: string | null;
  kind: string;
  status: string;
  message: string | null;
  start: string;
  attributes: Record<string, unknown>;
  scope: [string | null, string | null];
  resource: Record<string, unknown>;
  dropped: [number, number, number];
  events?: Noted[];
  links?: Noted[];
}

/** Details of spans: kept compressed as they came, unpacked when they are looked at or searched. */
export class DetailStore {
  private chunks: { rows: Int32Array; data: Uint8Array; unpacked?: Promise<Map<number, Details>> }[] = [];
  private chunkOf = new Map<number, number>();

  add(rows: Int32Array, data: Uint8Array): void {
    for (const row of rows) if (row >= 0) this.chunkOf.set(row, this.chunks.length);
    this.chunks.push({ rows, data });
  }

  clear(): void {
    this.chunks = [];
    this.chunkOf.clear();
  }

  get size(): number {
    return this.chunkOf.size;
  }

  has(row: number): boolean {
    return this.chunkOf.has(row);
  }

  async get(row: number): Promise<Details | undefined> {
    const chunk = this.chunkOf.get(row);
    return chunk === undefined ? undefined : (await this.open(chunk)).get(row);
  }

  /** All details, chunk by chunk, so that a search can draw in between. */
  async *all(): AsyncGenerator<Map<number, Details>> {
    for (let chunk = 0; chunk < this.chunks.length; chunk++) yield await this.open(chunk);
  }

  private open(index: number): Promise<Map<number, Details>> {
    const chunk = this.chunks[index]!;
    chunk.unpacked ??= inflate(chunk.data).then((text) => {
      const list = JSON.parse(text) as Details[];
      const found = new Map<number, Details>();
      list.forEach((details, place) => {
        // A span that was told of as running comes again when it has ended: the last word counts.
        const row = chunk.rows[place]!;
        if (this.chunkOf.get(row) === index) found.set(row, details);
      });
      return found;
    });
    return chunk.unpacked;
  }
}

async function inflate(data: Uint8Array): Promise<string> {
  const stream = new Blob([data as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).text();
}
