import { vmColour } from "../shared/vm-colours.ts";
import { type Layout, scaleOf as scaleIn } from "./layout.ts";
import { inSight, type State } from "./model.ts";
import type { Theme } from "./theme.ts";

/** What all parts of a picture need. */
export interface Sheet {
  readonly canvas: CanvasRenderingContext2D;
  readonly state: State;
  readonly layout: Layout;
  readonly theme: Theme;
  /** Pixels. */
  readonly width: number;
  /** What of the height is in sight: the rest need not be drawn. */
  readonly sight: { readonly top: number; readonly bottom: number };
}

export const colourOf = ({ state: { trace }, theme }: Sheet, vcpu: number): string => {
  const vm = trace.vcpus[vcpu]?.vm;
  return theme.vm[
    vmColour(
      Math.max(
        0,
        trace.vms.findIndex(({ name }) => name === vm),
      ),
    )
  ];
};

export const isInSight = ({ sight }: Sheet, { y, height }: { readonly y: number; readonly height: number }): boolean =>
  y < sight.bottom && y + height > sight.top;

export const scaleOf = ({ state, width }: Sheet) => scaleIn(inSight(state), width);

export function line(canvas: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number): void {
  canvas.beginPath();
  canvas.moveTo(x0, y0);
  canvas.lineTo(x1, y1);
  canvas.stroke();
}
