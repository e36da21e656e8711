// Frames as the kernel sends them (nbtrace/views/wire.py): a header of JSON, then typed columns.

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

interface Chunk {
  rows: Int32Array;
  data: Uint8Array;
  /** How many of its rows are known and have no later details. */
  left: number;
  unpacked?: Promise<Map<number, Details>>;
}

/** Rows whose details stay unpacked, so that the next letter of a search finds them: some 40 MB. */
export const MAX_UNPACKED = 20_000;

/** Details of spans by their rows: kept compressed as they came, unpacked when they are looked at or searched. */
export class DetailStore {
  /** How many have come, the same span's again included: what the kernel counts too. */
  received = 0;
  private chunks = new Set<Chunk>();
  private chunkOf = new Map<number, Chunk>();
  /** Those that are unpacked, the one looked at last behind. */
  private open = new Set<Chunk>();
  private openRows = 0;

  /** Take in details of rows; those of rows that `known` does not know are not kept. */
  add(rows: Int32Array, data: Uint8Array, known: (row: number) => boolean = () => true): void {
    this.received += rows.length;
    const chunk: Chunk = { rows, data, left: 0 };
    for (const row of rows) {
      if (!known(row)) continue;
      this.leave(row);
      this.chunkOf.set(row, chunk);
      chunk.left++;
    }
    if (chunk.left) this.chunks.add(chunk);
  }

  /** Forget what is known of rows. */
  forget(rows: Int32Array): void {
    for (const row of rows) {
      this.leave(row);
      this.chunkOf.delete(row);
    }
  }

  clear(): void {
    this.received = 0;
    this.chunks.clear();
    this.chunkOf.clear();
    this.open.clear();
    this.openRows = 0;
  }

  get size(): number {
    return this.chunkOf.size;
  }

  /** How many rows' details are held unpacked. */
  get unpacked(): number {
    return this.openRows;
  }

  has(row: number): boolean {
    return this.chunkOf.has(row);
  }

  async get(row: number): Promise<Details | undefined> {
    const chunk = this.chunkOf.get(row);
    return chunk && (await this.unpack(chunk)).get(row);
  }

  /** All details, chunk by chunk, so that a search can draw in between. */
  async *all(): AsyncGenerator<Map<number, Details>> {
    for (const chunk of [...this.chunks]) if (this.chunks.has(chunk)) yield await this.unpack(chunk, false);
  }

  private leave(row: number): void {
    const chunk = this.chunkOf.get(row);
    if (!chunk || --chunk.left) return;
    this.chunks.delete(chunk);
    this.close(chunk);
  }

  private close(chunk: Chunk): void {
    if (!this.open.delete(chunk)) return;
    this.openRows -= chunk.rows.length;
    delete chunk.unpacked;
  }

  /** Unpack a chunk. It stays unpacked if there is room, or if it is looked at rather than searched: then others make room. */
  private unpack(chunk: Chunk, wanted = true): Promise<Map<number, Details>> {
    if (wanted && this.open.delete(chunk)) this.open.add(chunk);
    const found = (chunk.unpacked ??= inflate(chunk.data).then((text) => {
      const list = JSON.parse(text) as Details[];
      const found = new Map<number, Details>();
      list.forEach((details, place) => {
        // A span that was told of as running comes again when it has ended: the last word counts.
        const row = chunk.rows[place]!;
        if (this.chunkOf.get(row) === chunk) found.set(row, details);
      });
      return found;
    }));
    if (this.open.has(chunk)) return found;
    if (wanted) for (const oldest of this.open) {
      if (this.openRows + chunk.rows.length <= MAX_UNPACKED) break;
      this.close(oldest);
    }
    if (this.chunks.has(chunk) && (wanted || this.openRows + chunk.rows.length <= MAX_UNPACKED)) {
      this.open.add(chunk);
      this.openRows += chunk.rows.length;
    } else delete chunk.unpacked;
    return found;
  }
}

async function inflate(data: Uint8Array): Promise<string> {
  const stream = new Blob([data as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).text();
}
