import { codePage437 } from "../emulator/devices/code-page.ts";
import type { DeviceView } from "../emulator/devices/device-view.ts";
import type { Screen } from "../emulator/devices/screen.ts";
import type { MachineInterface } from "../emulator/machine-interface.ts";
import { cyclesPerSecond } from "../emulator/time/costs.ts";
import { toBase64 } from "../trace-file/index.ts";
import { Refusal } from "./requests.ts";

/** Characters of one look. Colours are 8 bits each of red, green and blue. */
export interface ScreenRun {
  readonly text: string;
  readonly foreground: number;
  readonly background: number;
}

/** What the screen shows. */
export type ScreenNow =
  | {
      readonly mode: "text";
      readonly columns: number;
      readonly rows: readonly (readonly ScreenRun[])[];
      readonly cursor: { readonly column: number; readonly row: number } | null;
    }
  | {
      readonly mode: "graphics";
      /** In words: "320 × 200, 256 colours". */
      readonly what: string;
      readonly width: number;
      readonly height: number;
      readonly palette: readonly number[];
      /** A byte for each pixel, row by row, as base64. */
      readonly pixels: string;
    };

/** The devices of a VM now. */
export interface DevicesNow {
  readonly step: number;
  readonly cycle: number;
  readonly cyclesPerSecond: number;
  readonly vm: string;
  /** All VMs of the machine. */
  readonly vms: readonly string[];
  /** Where typing goes by itself: see `ringside/input`. */
  readonly console: "serial" | "keyboard";
  readonly screen: ScreenNow;
  readonly devices: readonly DeviceView[];
}

/** Bit 7 of an attribute blinks, and is shown as steady. */
function runsOf({ columns, cells }: Screen, row: number, palette: readonly number[]): ScreenRun[] {
  const runs: { text: string; foreground: number; background: number }[] = [];
  let last = -1;
  for (let column = 0; column < columns; column++) {
    const cell = cells.charCodeAt(row * columns + column);
    const attribute = cell >> 8;
    if (attribute !== last)
      runs.push({ text: "", foreground: palette[attribute & 15]!, background: palette[(attribute >> 4) & 7]! });
    runs.at(-1)!.text += codePage437[cell & 0xff]!;
    last = attribute;
  }
  return runs;
}

function screenNow(machine: MachineInterface): ScreenNow {
  const { screen } = machine;
  const { pixels, palette } = machine.picture();
  if (pixels) {
    const { width, height, colours } = pixels;
    return { mode: "graphics", what: screen.graphics, width, height, palette, pixels: toBase64(colours) };
  }
  const rows = Array.from({ length: screen.rows }, (_, row) => runsOf(screen, row, palette));
  return { mode: "text", columns: screen.columns, rows, cursor: screen.cursor };
}

/** Does something with a VM in sight, and then looks where it looked before. @throws Refusal if there is no such VM */
export function lookingAt<T>(machine: MachineInterface, vm: string | undefined, act: () => T): T {
  if (vm === undefined || vm === machine.vm) return act();
  const before = { vm: machine.vm, vcpu: machine.vcpu };
  const refused = machine.look({ vm, vcpu: 0 });
  if (refused !== undefined) throw new Refusal(refused);
  try {
    return act();
  } finally {
    machine.look(before);
  }
}

/** Answers `ringside/devices`; changes nothing. */
export function devicesNow(machine: MachineInterface, vm: string | undefined): DevicesNow {
  return lookingAt(machine, vm, () => ({
    step: machine.now,
    cycle: machine.cycle,
    cyclesPerSecond,
    vm: machine.vm,
    vms: [...new Set(machine.vcpus().map((vcpu) => vcpu.vm))],
    console: machine.guest.boot ? "keyboard" : "serial",
    screen: screenNow(machine),
    devices: machine.devices(),
  }));
}
