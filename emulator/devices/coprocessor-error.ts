import type { Device, Line } from "./device.ts";

/** The processor's FERR# and IGNNE# pins, as the chip set wires them. */
export interface CoprocessorError {
  /** FERR#: an unmasked x87 exception is waiting. Gives IGNNE#: the processor is to go on as if there were none. */
  report(waiting: boolean): boolean;
}

interface State {
  /** IRQ 13 is asserted. */
  requested: boolean;
  ignored: boolean;
}

/**
 * The PC's way to x87 exceptions without CR0.NE: FERR# asserts IRQ 13, whose handler writes to port F0h; that takes the
 * request back and lets the handler use the x87 unit, by IGNNE#, until it has cleared the exception.
 */
export function createCoprocessorError(line: Line): Device & { readonly coprocessor: CoprocessorError } {
  const state: State = { requested: false, ignored: false };
  const request = (level: boolean): void => {
    if (level === state.requested) return;
    state.requested = level;
    line(level);
  };
  const acknowledge = (): void => {
    if (state.requested) state.ignored = true;
    request(false);
  };
  return {
    name: "x87 error",
    irq: 13,
    regions: [{ space: "port", base: 0xf0, length: 2, read: () => 0xff, write: acknowledge }],
    coprocessor: {
      report(waiting) {
        if (!waiting) state.ignored = false;
        else if (!state.ignored) request(true);
        return state.ignored;
      },
    },
    save: () => ({ ...state }),
    restore(saved) {
      Object.assign(state, saved as State);
    },
  };
}
