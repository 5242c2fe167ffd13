import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { axisHeight, eventAt, gutter, layout, scaleOf } from "./layout.ts";
import { inSight, present, type State } from "./model.ts";
import { paint } from "./paint.ts";
import { readTheme } from "./theme.ts";
import type { Actions } from "./view.tsx";
import { timeText } from "./window.ts";

/** Pixels a press may wander and still be a click. */
const slack = 3;

/** What keys do on the picture. */
const keys: Readonly<Record<string, (actions: Actions, state: State) => void>> = {
  ArrowLeft: (actions) => actions.along(-1),
  ArrowRight: (actions) => actions.along(1),
  "shift ArrowLeft": (actions) => actions.pan(-0.2),
  "shift ArrowRight": (actions) => actions.pan(0.2),
  ArrowUp: (actions) => actions.lane(-1),
  ArrowDown: (actions) => actions.lane(1),
  "+": (actions) => actions.zoom(0.5),
  "=": (actions) => actions.zoom(0.5),
  "-": (actions) => actions.zoom(2),
  "0": (actions) => actions.all(),
  Enter: (actions, state) => {
    if (state.selected !== undefined) actions.go(state.selected);
  },
};

function onKeyDown(event: KeyboardEvent, state: State, actions: Actions): void {
  const plain = /^[-+=0]$/.test(event.key);
  const act = keys[`${event.shiftKey && !plain ? "shift " : ""}${event.key}`];
  if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  act(actions, state);
}

/** The picture as one sentence, for who cannot see it. */
function label(state: State): string {
  const { from, to } = inSight(state);
  const { trace } = state;
  return `Who ran on ${trace.pcpus.length} physical CPUs from ${timeText(from)} to ${timeText(to)}. Left and right go from decision to decision, up and down from lane to lane, plus and minus zoom, shift with arrows moves, 0 shows all, Enter goes to the moment.`;
}

export function Picture({ state, actions }: { state: State; actions: Actions }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const press = useRef<{ x: number; moved: boolean } | undefined>(undefined);
  const latest = useRef(state);
  latest.current = state;
  const draw = () => {
    const element = canvas.current;
    const width = element?.parentElement?.clientWidth ?? 0;
    if (element && width > 0) drawOn(element, latest.current, width);
  };
  useLayoutEffect(draw);
  useEffect(() => scrollTo(canvas.current!, state), [state.lane]);
  useEffect(() => {
    const element = canvas.current!;
    const resized = new ResizeObserver(draw);
    resized.observe(element.parentElement!);
    // VS Code says by a class of the body that the theme is another.
    const themed = new MutationObserver(draw);
    themed.observe(document.body, { attributes: true, attributeFilter: ["class"] });
    const wheel = (event: WheelEvent) => onWheel(event, element, latest.current, actions);
    element.addEventListener("wheel", wheel, { passive: false });
    return () => {
      resized.disconnect();
      themed.disconnect();
      element.removeEventListener("wheel", wheel);
    };
  }, []);
  const eventUnder = (event: PointerEvent): number | undefined => {
    const { time, y } = placeOf(event, canvas.current!, state);
    if (event.offsetX < gutter || time > present(state)) return undefined;
    const n = eventAt(state, layout(state, roomOf(canvas.current!)), y, time);
    return n === undefined ? undefined : state.trace.sequence.at(n);
  };
  const onPointerMove = (event: PointerEvent) => {
    const held = press.current;
    if (!held) return actions.point(eventUnder(event));
    const by = event.offsetX - held.x;
    if (!held.moved && Math.abs(by) <= slack) return;
    const { pixels } = scaleOf(inSight(state), canvas.current!.clientWidth);
    press.current = { x: event.offsetX, moved: true };
    actions.pan(-by / pixels);
  };
  const onPointerUp = (event: PointerEvent) => {
    const clicked = press.current && !press.current.moved;
    press.current = undefined;
    const sequence = clicked ? eventUnder(event) : undefined;
    if (sequence !== undefined) actions.go(sequence);
  };
  return (
    <div
      class="picture"
      role="application"
      aria-label={label(state)}
      tabIndex={0}
      onKeyDown={(event) => onKeyDown(event, state, actions)}
      onScroll={draw}
    >
      <canvas
        ref={canvas}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          press.current = { x: event.offsetX, moved: false };
        }}
        onPointerMove={onPointerMove}
        onPointerUp={onPointerUp}
        onPointerLeave={() => actions.point(undefined)}
      />
    </div>
  );
}

/** The lane that the keyboard is on is to be seen. */
function scrollTo(element: HTMLCanvasElement, state: State): void {
  const { rows } = layout(state, roomOf(element));
  const row = rows.find(({ lane }) => lane.kind === state.lane?.kind && lane.n === state.lane.n);
  const scroller = element.parentElement!;
  if (!row) return;
  const { scrollTop, clientHeight } = scroller;
  if (row.y < scrollTop + axisHeight) scroller.scrollTop = row.y - axisHeight;
  else if (row.y + row.height > scrollTop + clientHeight) scroller.scrollTop = row.y + row.height - clientHeight;
}

const roomOf = (element: HTMLCanvasElement): number => element.parentElement!.clientHeight;

function placeOf(event: { offsetX: number; offsetY: number }, element: HTMLCanvasElement, state: State) {
  return { time: scaleOf(inSight(state), element.clientWidth).time(event.offsetX), y: event.offsetY };
}

/** Turning zooms about the pointer; sideways, or with shift, it moves along. */
function onWheel(event: WheelEvent, element: HTMLCanvasElement, state: State, actions: Actions): void {
  event.preventDefault();
  const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
  if (Math.abs(sideways) > 0 && (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)))
    actions.pan(sideways / 800);
  else actions.zoom(1.0015 ** event.deltaY, placeOf(event, element, state).time);
}

function drawOn(element: HTMLCanvasElement, state: State, width: number): void {
  const place = layout(state, roomOf(element));
  const ratio = window.devicePixelRatio;
  const [wide, high] = [Math.round(width * ratio), Math.round(place.height * ratio)];
  if (element.width !== wide || element.height !== high) {
    element.width = wide;
    element.height = high;
    element.style.width = `${width}px`;
    element.style.height = `${place.height}px`;
  }
  const canvas = element.getContext("2d")!;
  canvas.setTransform(ratio, 0, 0, ratio, 0, 0);
  const { scrollTop, clientHeight } = element.parentElement!;
  const sight = { top: scrollTop, bottom: scrollTop + clientHeight };
  paint({ canvas, state, layout: place, theme: readTheme(), width, sight });
}
