// The names and shapes of the messages between the inspector in the browser and the kernel: nbtrace/views/inspector/protocol.md
// says what they mean, protocol.py beside it names them for the kernel.

export const HELLO = "hello";
export const BYE = "bye";
export const DESCRIBE = "describe";
export const CODE = "code";
export const FRAME = "frame";

export const SPANS = "spans";
export const DETAILS = "details";
export const HAVE = "have";
export const DOING = "doing";
export const PROFILE = "profile";

export interface Hello {
  kind: typeof HELLO;
  rows: number;
  details?: number;
  profiles?: number;
  code: boolean;
}

export interface Bye {
  kind: typeof BYE;
}

export interface Describe {
  kind: typeof DESCRIBE;
  row: number;
}

export type FromBrowser = Hello | Bye | Describe;

export interface Code {
  kind: typeof CODE;
  code: string;
}

/** With a frame as its one buffer. */
export interface FrameMessage {
  kind: typeof FRAME;
}

export type FromKernel = Code | FrameMessage;

/** number, execution count, what the runs of a cell share, run, source, process */
export type CellInfo = [number, number | null, number, number, string, number | null];

export interface SpansHeader {
  kind: typeof SPANS;
  first: number;
  count: number;
  zero: string;
  names: string[];
  renamed: [number, string][];
  cells: CellInfo[];
  processes: number;
  /** process, what its worker is called */
  workers: [number, string][];
  captions: string[];
  reset: boolean;
  dropped: number;
  narrowed: boolean;
  now: number;
}

export interface DetailsHeader {
  kind: typeof DETAILS;
  keys: string[];
}

export interface HaveHeader {
  kind: typeof HAVE;
  rows: number;
  details: number;
  profiles: number;
}

/** number, line, what stands there, first and last line, begun, since, last looked at (0: all the time), what runs, the hottest */
export type DoingInfo = [number, number, string, number, number, number, number, number, string, string];

export interface DoingHeader {
  kind: typeof DOING;
  cells: DoingInfo[];
  now: number;
}

/** path as it is shown, library: both numbers of texts */
export type FileInfo = [number, number];

/** number of the execution, of the file as which its code was compiled, execution count */
export type CodeInfo = [number, number, number | null];

/** number of the file, line, what stands there */
export type LineInfo = [number, number, string];

/** id, name, process */
export type ThreadInfo = [number | null, string | null, number | null];

/** number of the execution, cpu in ms, memory at the most and how much it grew in bytes, garbage collection in ms, bytes read and
 * written, whether other cells ran meanwhile; null is what the system does not tell */
export type ResourcesInfo = [number, number | null, number | null, number | null, number | null, number | null, number | null, boolean];

export interface ProfileHeader {
  kind: typeof PROFILE;
  number: number;
  base: number;
  memory: [number, number];
  texts: string[];
  files: FileInfo[];
  codes: CodeInfo[];
  lines: LineInfo[];
  threads: ThreadInfo[];
  resources: ResourcesInfo[];
  dropped: number;
}

export type Header = SpansHeader | DetailsHeader | HaveHeader | DoingHeader | ProfileHeader;

export type SpansColumns = [
  start: Float64Array, end: Float64Array, name: Uint32Array, parent: Int32Array, cell: Int32Array, flags: Uint8Array,
  errors: Uint8Array, changed: Int32Array, newEnd: Float64Array, newName: Uint32Array, newParent: Int32Array,
  newFlags: Uint8Array, newErrors: Uint8Array, eventRow: Int32Array, eventTime: Float64Array, taskRow: Int32Array, waited: Float64Array,
  starting: Float64Array, transfer: Float64Array, captionRow: Int32Array, caption: Uint32Array, gone: Int32Array,
];

export type DetailsColumns = [row: Int32Array, data: Uint8Array];

/** As narrow as the numbers of a frame are. */
export type Uints = Uint8Array | Uint16Array | Uint32Array;

export type ProfileColumns = [
  above: Uints, frame: Uints, function: Uints, file: Uints, line: Uints, firstLine: Uints, kind: Uints, thread: Uints, cell: Uints,
  span: Uints, stack: Uints, after: Uint16Array, wall: Uint16Array, computed: Uint8Array, look: Uint16Array, at: Uint16Array,
  run: Uint16Array, origin: Uint16Array, long: Int32Array, longAfter: Float64Array, longWall: Float64Array, statement: Uints,
  place: Uints, first: Uints, last: Uints, begun: Float64Array, ended: Float64Array, status: Uint8Array,
];
