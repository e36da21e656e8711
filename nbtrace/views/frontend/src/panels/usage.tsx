// The lanes of CPU and memory above the waterfall and the flame, and the crosshair through all of them.

import type { VNode } from "preact";
import { type MutableRef, useEffect, useLayoutEffect, useReducer, useRef } from "preact/hooks";
import { coreColumns, coresOver, memoryColumns, memoryOver, peakIn, stepAt } from "../engine/steps";
import { momentText } from "../engine/ticks";
import { LIBRARIES, measuredIn, usageOf } from "../engine/usage";
import { duration, size } from "../engine/words";
import type { Range } from "../pictures/canvas";
import { type Theme, usageColour } from "../pictures/colours";
import { METER, WHO, WHO_IN_FULL, WHO_MEANT, coresPeakText, coresText, memoryPeakText, memoryScale, paintUsage } from "../pictures/usage";
import { Scale } from "../pictures/scale";
import { namesWidth } from "../pictures/waterfall";
import type { Session } from "../session/session";
import { capture, useCanvas } from "./canvas";

interface Props {
  session: Session;
  theme: Theme;
  width: number;
}

/** What is drawn: made anew when the range or what is known changes, not with each drawing. */
function columnsOf(session: Session, wide: number) {
  const { profile, trace, once } = session;
  const { from, to } = session.zoom.range;
  const version = `${profile.version}:${trace.version}`;
  const usage = once.get("usage", version, () => usageOf(profile, trace));
  const { timeline, key } = session.idle;
  const drawn = once.get("usage as shown", `${version}:${key}`, () => {
    if (!timeline.stretches.length) return usage;
    const shown = (moment: number) => timeline.shown(moment);
    return { cores: coresOver(usage.cores, shown), memory: memoryOver(usage.memory, shown) };
  });
  return once.get("usage columns", `${version}:${key}:${from}:${to}:${wide}`, () => {
    const { range, shown } = session.zoom;
    const { cores, memory } = usage;
    const measured = measuredIn(usage, session.scope.whole);
    const first = stepAt(memory.time, from);
    const memoryPeak = peakIn(memory, range);
    return {
      cores: measured && cores.time.length ? coreColumns(drawn.cores, shown, wide) : undefined,
      coresPeak: peakIn(cores, range),
      memory: measured && memory.time.length ? memoryColumns(drawn.memory, shown, wide) : undefined,
      memoryPeak,
      firstBytes: memory.value[Math.max(0, first)] ?? 0,
      processes: memoryPeak && memory.processes[stepAt(memory.time, memoryPeak.at)],
    };
  });
}

/** Where there is less, lanes would take more room than spans: memory gives way. */
const ROOM_FOR_BOTH = 600;

/** From one drawing of the lanes to the next while a hand zooms or pans, in ms: meanwhile what is drawn is stretched. */
const PAUSE = 350;
const REST = 150;

/** The lanes. To draw them with each frame of the screen would leave no time for the picture below. */
export function Usage(props: Props) {
  const drawn = useRef<{ at: number; key: string; range: Range; node: VNode } | undefined>();
  const stretched: MutableRef<HTMLCanvasElement | null> = useRef(null);
  const [, refresh] = useReducer((number: number) => number + 1, 0);
  const late = useRef(0);
  useEffect(() => () => clearTimeout(late.current), []);
  const { session, theme, width } = props;
  const { shown: range } = session.zoom;
  const key = `${session.view}:${session.meters}:${width}:${theme.dark}:${session.scope.root}:${session.idle.version}`;
  const now = performance.now();
  clearTimeout(late.current);
  const waits = session.zoom.moving && drawn.current?.key === key && now - drawn.current.at < PAUSE;
  if (waits) late.current = setTimeout(() => refresh(0), REST);
  else drawn.current = { at: now, key, range, node: <Lanes {...props} canvasRef={stretched} /> };
  useLayoutEffect(() => {
    if (!stretched.current) return;
    const { from, to } = drawn.current!.range;
    const wide = Math.max(1, width - leftOf(session, width));
    const scale = wide / (range.to - range.from);
    stretched.current.style.transform = waits ? `translateX(${(from - range.from) * scale}px) scaleX(${((to - from) * scale) / wide})` : "";
  });
  return drawn.current!.node;
}

/** Where the axis begins. */
function leftOf({ view }: Session, width: number): number {
  return view === "waterfall" ? namesWidth(width) : 0;
}

/** As much of what is said of a peak as there is room for beside the axis: not by how much it grew, and not when. */
function within(text: string, left: number): string {
  const peak = text.replace(/ at .*/, "");
  return [text, text.replace(/, .*/, "")].find((each) => !left || each.length * 6 < left - 70) ?? peak;
}

function Lanes({ session, theme, width, canvasRef }: Props & { canvasRef: MutableRef<HTMLCanvasElement | null> }) {
  const lanes = useRef<HTMLDivElement>(null);
  const cross = useRef<HTMLDivElement>(null);
  const moment = useRef<HTMLDivElement>(null);
  const part = useRef<HTMLDivElement>(null);
  const coresLine = useRef<HTMLSpanElement>(null);
  const memoryLine = useRef<HTMLSpanElement>(null);
  const values = useRef<(HTMLSpanElement | null)[]>([]);
  /** Where the pointer is, in pixels from the left; NaN where it is elsewhere. */
  const pointer = useRef(NaN);
  const left = leftOf(session, width);
  const wide = Math.max(1, width - left);
  const { range, range: { from, to } } = session.zoom;
  const { timeline } = session.idle;
  const across = new Scale(range, left, wide, timeline);
  const origin = session.scope.whole.from;
  const found = session.meters ? columnsOf(session, wide) : undefined;
  const { cores, coresPeak, memoryPeak } = found ?? {};
  const memory = width < ROOM_FOR_BOTH && cores ? undefined : found?.memory;
  const height = METER * (Number(!!cores) + Number(!!memory));
  const canvas = useCanvas(width, height, (pen) => paintUsage(pen, theme, { range, timeline, left, cores, coresPeak, memory, memoryPeak }, width, height));
  const peaks = {
    cores: coresPeak ? coresPeakText(coresPeak, origin, !!cores?.bands[LIBRARIES]?.some(Boolean)) : "",
    memory: memoryPeak ? memoryPeakText(memoryPeak, found!.firstBytes, origin, found!.processes) : "",
  };

  // Without the page being drawn anew: these elements are moved and written to directly.
  const follow = () => {
    if (!cross.current || !moment.current) return;
    const x = pointer.current;
    const column = Math.min(wide - 1, Math.floor(x - left));
    const over = column >= 0;
    for (const element of [cross.current, moment.current]) element.style.visibility = over ? "visible" : "hidden";
    write(coresLine.current, over && cores ? coresAt(cores, column) : within(peaks.cores, left));
    values.current.forEach((element, who) => write(element, over && cores ? `${cores.bands[who]![column]!.toFixed(1)} ` : ""));
    write(memoryLine.current, over && memory ? memoryAt(memory, column) : within(peaks.memory, left));
    if (!over) return;
    cross.current.style.transform = `translateX(${Math.round(x)}px)`;
    const text = momentText(across.at(x) - origin, 1 / across.perMs);
    write(moment.current, text);
    // Letters count as equally wide: to ask for the width would have the page laid out at each move.
    moment.current.style.transform = x + text.length * 7 + 14 < width ? `translateX(${Math.round(x + 4)}px)` : `translateX(${Math.round(x - 3)}px) translateX(-100%)`;
  };
  useEffect(() => {
    // Asked for seldom, as it has the page laid out.
    if (lanes.current) for (const element of [cross.current!, moment.current!]) element.style.top = `${lanes.current.offsetTop}px`;
  }, [left, width, height]);
  useEffect(() => {
    if (!cross.current || !moment.current || !lanes.current) return;
    follow(); // what stands below a pointer that rests may have changed
    const own = lanes.current;
    const main = own.parentElement!;
    const move = (event: PointerEvent) => {
      const over = event.target instanceof Element && event.target.closest(".nbt-usage, .nbt-canvas");
      pointer.current = over ? event.clientX - main.getBoundingClientRect().left : NaN;
      follow();
    };
    const wheel = (event: WheelEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) session.zoom.by(Math.exp(Math.min(200, Math.max(-200, event.deltaY)) * 0.004), Math.max(0, (event.clientX - own.getBoundingClientRect().left - left) / wide));
      else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) session.zoom.pan((event.deltaX || event.deltaY) / wide);
      else return; // the page scrolls
      event.preventDefault();
    };
    const leave = () => ((pointer.current = NaN), follow());
    main.addEventListener("pointermove", move);
    main.addEventListener("pointerleave", leave);
    own.addEventListener("wheel", wheel, { passive: false });
    return () => (main.removeEventListener("pointermove", move), main.removeEventListener("pointerleave", leave), own.removeEventListener("wheel", wheel));
  });
  if (!height) return null;

  const drag = (event: PointerEvent) => {
    if (event.button !== 0) return;
    const box = lanes.current!.getBoundingClientRect();
    const inside = (later: PointerEvent) => Math.min(width, Math.max(left, later.clientX - box.left));
    const first = inside(event);
    const style = part.current!.style;
    let last = first;
    capture(
      event,
      (later) => {
        last = inside(later);
        style.visibility = Math.abs(last - first) > 3 ? "visible" : "hidden";
        style.left = `${Math.min(first, last)}px`;
        style.width = `${Math.abs(last - first)}px`;
      },
      (later) => {
        style.visibility = "hidden";
        if (later.type !== "pointerup" || Math.abs(last - first) <= 3) return;
        session.brushed = true;
        session.zoom.to({ from: across.at(Math.min(first, last)), to: across.at(Math.max(first, last)) });
      },
    );
  };
  const who = cores ? WHO_IN_FULL.flatMap((text, band) => (cores.bands[band]!.some(Boolean) ? [{ text, band }] : [])) : [];
  const scale = memory && memoryScale(memory);
  values.current.length = 0;
  const said = [cores && `CPU: ${peaks.cores || "nothing"}; of ${who.map(({ text }) => text).join(", ") || "nobody"}`, memory && `memory: ${peaks.memory || "not known"}`];
  const short = left > 0 || width < 1000;
  const labels = [
    cores && (
      <div key="cores" class="nbt-meter">
        <div><strong>CPU</strong>  <span ref={coresLine} /></div>
        <div class="nbt-quiet">
          {who.map(({ text, band }) => (
            <span key={band} title={text + (WHO_MEANT[band] ?? "")}><span class={`nbt-who nbt-who${band}`} style={{ "--hue": usageColour(band, theme) }} /><span ref={(element) => void (values.current[band] = element)} />{short ? `${WHO[band]} ` : `${text}  `}</span>
          ))}
        </div>
      </div>
    ),
    memory && (
      <div key="memory" class="nbt-meter">
        <div><strong>memory</strong>  <span ref={memoryLine} /></div>
        <div class="nbt-quiet">{scale && `scale ${size(scale.from)} to ${size(scale.to)}`}</div>
      </div>
    ),
  ];
  return (
    <>
      {!left && <div class="nbt-meters" aria-hidden="true">{labels}</div>}
      <div ref={lanes} class="nbt-usage" style={{ width, height }} onPointerDown={drag} onDblClick={() => (session.zoom.fit(), session.changed())}>
        <div style={{ clipPath: `inset(0 0 0 ${left}px)` }}>
          <canvas
            ref={(element) => void ((canvas.current = element), (canvasRef.current = element))} style={{ width, height, transformOrigin: `${left}px 0` }} role="img"
            aria-label={`From ${duration(from - origin)} to ${duration(to - origin)}, ${said.filter(Boolean).join("; ")}`}
          />
        </div>
        {left > 0 && <div class="nbt-meters nbt-beside" style={{ width: left - 6 }} aria-hidden="true">{labels}</div>}
        <div ref={part} class="nbt-part" />
      </div>
      <div ref={cross} class="nbt-cross" />
      <div ref={moment} class="nbt-moment" aria-hidden="true" />
    </>
  );
}

/** Write what has no other children, if it has changed. */
function write(element: HTMLElement | null, text: string): void {
  if (element && element.textContent !== text) element.textContent = text;
}

function coresAt({ bands, most }: { bands: Float64Array[]; most: Float64Array }, column: number): string {
  const mean = bands.reduce((sum, band) => sum + band[column]!, 0);
  return `${coresText(mean)}${most[column]! - mean > 0.15 ? `, up to ${most[column]!.toFixed(1)}` : ""}`;
}

function memoryAt({ least, most }: { least: Float64Array; most: Float64Array }, column: number): string {
  if (Number.isNaN(most[column]!)) return "not known yet";
  const [low, high] = [size(least[column]!), size(most[column]!)];
  return low === high ? high : `${low} to ${high}`;
}
