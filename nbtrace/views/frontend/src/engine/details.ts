// All that is known of spans, compressed as it came. Unpacked when it is looked at or searched.

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
  /** Where it began: process, thread, the thread's name. */
  thread: [number | null, number | null, string | null];
  dropped: [number, number, number];
  events?: Noted[];
  links?: Noted[];
}

interface Chunk {
  rows: Int32Array;
  data: Uint8Array;
  /** Of the attributes in it. */
  keys: readonly string[];
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
  #chunks = new Set<Chunk>();
  #chunkOf = new Map<number, Chunk>();
  /** Those that are unpacked, the one looked at last behind. */
  #open = new Set<Chunk>();
  #openRows = 0;

  /** Take in details of rows; those of rows that `known` does not know are not kept. */
  add(rows: Int32Array, data: Uint8Array, known: (row: number) => boolean = () => true, keys: readonly string[] = []): void {
    this.received += rows.length;
    const chunk: Chunk = { rows, data, keys, left: 0 };
    for (const row of rows) {
      if (!known(row)) continue;
      this.#leave(row);
      this.#chunkOf.set(row, chunk);
      chunk.left++;
    }
    if (chunk.left) this.#chunks.add(chunk);
  }

  /** Forget what is known of rows. */
  forget(rows: Int32Array): void {
    for (const row of rows) {
      this.#leave(row);
      this.#chunkOf.delete(row);
    }
  }

  clear(): void {
    this.received = 0;
    this.#chunks.clear();
    this.#chunkOf.clear();
    this.#open.clear();
    this.#openRows = 0;
  }

  /** The keys of all attributes. */
  get keys(): Set<string> {
    const found = new Set<string>();
    for (const { keys } of this.#chunks) for (const key of keys) found.add(key);
    return found;
  }

  get size(): number {
    return this.#chunkOf.size;
  }

  /** How many rows' details are held unpacked. */
  get unpacked(): number {
    return this.#openRows;
  }

  has(row: number): boolean {
    return this.#chunkOf.has(row);
  }

  async get(row: number): Promise<Details | undefined> {
    const chunk = this.#chunkOf.get(row);
    return chunk && (await this.#unpack(chunk)).get(row);
  }

  /** All details, chunk by chunk, so that a search can draw in between. Chunks that were `seen` are left out, and are seen then. */
  async *all(seen?: WeakSet<object>): AsyncGenerator<Map<number, Details>> {
    for (const chunk of [...this.#chunks]) {
      if (!this.#chunks.has(chunk) || seen?.has(chunk)) continue;
      seen?.add(chunk);
      yield await this.#unpack(chunk, false);
    }
  }

  #leave(row: number): void {
    const chunk = this.#chunkOf.get(row);
    if (!chunk || --chunk.left) return;
    this.#chunks.delete(chunk);
    this.#close(chunk);
  }

  #close(chunk: Chunk): void {
    if (!this.#open.delete(chunk)) return;
    this.#openRows -= chunk.rows.length;
    delete chunk.unpacked;
  }

  /** Unpack a chunk. It stays unpacked if there is room, or if it is looked at rather than searched: then others make room. */
  #unpack(chunk: Chunk, wanted = true): Promise<Map<number, Details>> {
    if (wanted && this.#open.delete(chunk)) this.#open.add(chunk);
    const found = (chunk.unpacked ??= inflate(chunk.data).then((text) => {
      const list = JSON.parse(text) as Details[];
      const found = new Map<number, Details>();
      list.forEach((details, place) => {
        // A span that was told of as running comes again when it has ended: the last word counts.
        const row = chunk.rows[place]!;
        if (this.#chunkOf.get(row) === chunk) found.set(row, details);
      });
      return found;
    }));
    if (this.#open.has(chunk)) return found;
    if (wanted) for (const oldest of this.#open) {
      if (this.#openRows + chunk.rows.length <= MAX_UNPACKED) break;
      this.#close(oldest);
    }
    if (this.#chunks.has(chunk) && (wanted || this.#openRows + chunk.rows.length <= MAX_UNPACKED)) {
      this.#open.add(chunk);
      this.#openRows += chunk.rows.length;
    } else delete chunk.unpacked;
    return found;
  }
}

async function inflate(data: Uint8Array): Promise<string> {
  const stream = new Blob([data as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).text();
}
