import { describe, expect, it } from "vitest";
import { ConsoleLog } from "../../client/views/devices/console-log.ts";
import {
  type Action,
  initial,
  logOf,
  nextText,
  reduce,
  tabInSight,
  tabs,
  valueBefore,
} from "../../client/views/devices/model.ts";
import { type KeyPress, typed } from "../../client/views/devices/typed-keys.ts";
import type { DevicesNow, LocatedEvent } from "../../debug-adapter/protocol.ts";
import { strokesOf } from "../../emulator/devices/typing.ts";

const output = (sequence: number, text: string, device = "UART", vm = "A"): LocatedEvent => ({
  ...{ sequence, cycle: sequence, step: sequence, vm, vcpu: 0, rip: "7c00" },
  ...{ kind: "output", device, text },
});

function devices(step: number, ier: number, change: Partial<DevicesNow> = {}): DevicesNow {
  return {
    ...{ step, cycle: 1000 * step, cyclesPerSecond: 1_000_000, vm: "A", vms: ["A"], console: "serial" },
    screen: { mode: "text", columns: 2, rows: [[{ text: "  ", foreground: 0xaaaaaa, background: 0 }]], cursor: null },
    devices: [{ name: "UART", registers: [{ name: "IER", value: ier, bits: 8, text: "" }] }],
    ...change,
  };
}

const run = (...actions: readonly Action[]) => actions.reduce(reduce, initial());
const heard = (...events: readonly LocatedEvent[]): Action => ({
  kind: "events",
  events,
  last: events.at(-1)!.sequence,
  dropped: 0,
});
const told = (now: DevicesNow): Action => ({ kind: "devices", now });
const present = (last: number, running = false): Action => ({ kind: "present", last, running });

describe("the model of the Devices view", () => {
  it("keeps what each device of each VM printed", () => {
    const state = run(
      told(devices(1, 0)),
      heard(output(1, "a"), output(2, "x", "UART", "B"), output(3, "b"), output(4, "c", "debug console")),
    );
    expect([logOf(state, "UART")?.after(0), logOf(state, "debug console")?.after(0)]).toEqual(["ab", "c"]);
    expect(tabs(state).map((tab) => (tab.kind === "screen" ? "screen" : tab.device))).toEqual([
      "screen",
      "UART",
      "debug console",
    ]);
    const other = reduce(state, told(devices(1, 0, { vm: "B", vms: ["A", "B"] })));
    expect(logOf(other, "UART")?.after(0)).toBe("x");
  });

  it("takes back what was printed after the present, and says that it did", () => {
    const state = run(told(devices(1, 0)), heard(output(1, "a"), output(2, "b")), present(1));
    const log = logOf(state, "UART")!;
    expect([log.after(0), log.count, log.generation, state.last]).toEqual(["a", 1, 1, 1]);
  });

  it("gives up whole pieces on the way back, and asks for what they began with again", () => {
    const pieces = heard(output(10, "x".repeat(10)), output(14, "dddd", "debug console"), output(20, "yyyyyy"));
    const state = run(told(devices(1, 0)), pieces, present(12));
    expect([logOf(state, "UART")?.after(0), logOf(state, "debug console")?.after(0)]).toEqual(["x".repeat(10), ""]);
    expect(state.last).toBe(10);
    const again = reduce(state, heard(output(12, "dd", "debug console")));
    expect(logOf(again, "debug console")?.after(0)).toBe("dd");
  });

  it("says when some of what was printed was gone before it asked", () => {
    const state = run(heard(output(1, "a")));
    expect(state.lost).toBe(false);
    const late: Action = { kind: "events", events: [output(900, "z")], last: 900, dropped: 898 };
    expect(reduce(state, late).lost).toBe(true);
  });

  it("gives up the oldest text of a guest that prints for hours, and tells what is new all the same", () => {
    const log = new ConsoleLog();
    const line = `${"x".repeat(999)}\n`;
    for (let n = 1; n <= 10_000; n++) log.add(n, line, n - 1);
    expect(log.count).toBe(10_000);
    expect(log.after(0).length).toBeLessThanOrEqual(4_000_000);
    expect(log.after(9_998)).toBe(line + line);
    log.rewind(9_999);
    expect([log.count, log.after(9_998)]).toEqual([9_999, line]);
  });

  it.each([
    ["the serial port at first", devices(1, 0), "UART"],
    ["the screen of a guest that the BIOS booted", devices(1, 0, { console: "keyboard" }), "screen"],
    [
      "the screen where something is on it",
      devices(1, 0, {
        screen: { mode: "text", columns: 2, rows: [[{ text: "hi", foreground: 1, background: 0 }]], cursor: null },
      }),
      "screen",
    ],
    [
      "the screen in graphics modes",
      devices(1, 0, { screen: { mode: "graphics", what: "", width: 0, height: 0, palette: [], pixels: "" } }),
      "screen",
    ],
  ])("shows %s, unless told otherwise", (_, now, expected) => {
    const state = run(told(now));
    const tab = tabInSight(state);
    expect(tab.kind === "screen" ? "screen" : tab.device).toBe(expected);
    const chosen = { kind: "console", device: "debug console" } as const;
    expect(tabInSight(reduce(state, { kind: "tab", tab: chosen }))).toEqual(chosen);
  });

  it("compares registers with the stop before, and while the guest runs with the last stop", () => {
    const stopped = run(told(devices(1, 1)), told(devices(2, 2)));
    expect(valueBefore(stopped, "UART", "IER")).toBe(1);
    const looked = reduce(stopped, told(devices(2, 5)));
    expect(valueBefore(looked, "UART", "IER")).toBe(1);
    const running = [present(9, true), told(devices(3, 3)), told(devices(4, 4))].reduce(reduce, stopped);
    expect(valueBefore(running, "UART", "IER")).toBe(2);
    const again = [present(9), told(devices(5, 6))].reduce(reduce, running);
    expect(valueBefore(again, "UART", "IER")).toBe(2);
    expect(valueBefore(reduce(again, told(devices(5, 6, { vm: "B" }))), "UART", "IER")).toBeUndefined();
  });

  it("says when a timer acts", () => {
    expect(nextText(devices(1, 0), 28_000)).toEqual({ time: "27 ms", cycles: "27,000 cycles of virtual time" });
    expect(nextText(devices(1, 0), 10)).toEqual({ time: "0 ms", cycles: "0 cycles of virtual time" });
  });
});

describe("typing on the guest's keyboard", () => {
  const press = (key: string, held: Partial<KeyPress> = {}): KeyPress => ({
    ...{ key, ctrlKey: false, altKey: false, shiftKey: false, metaKey: false },
    ...held,
  });

  it.each([
    [press("a"), "a"],
    [press("A", { shiftKey: true }), "A"],
    [press("{", { shiftKey: true }), "{{"],
    [press(" "), " "],
    [press(" ", { ctrlKey: true }), "{ctrl+space}"],
    [press("c", { ctrlKey: true }), "{ctrl+c}"],
    [press("x", { altKey: true }), "{alt+x}"],
    [press("Enter"), "{enter}"],
    [press("ArrowUp"), "{up}"],
    [press("ArrowLeft", { shiftKey: true }), "{shift+left}"],
    [press("Delete", { ctrlKey: true, altKey: true }), "{ctrl+alt+delete}"],
    [press("Tab"), "{tab}"],
  ])("%j is %s", (key, expected) => {
    expect(typed(key)).toBe(expected);
    expect(typeof strokesOf(expected)).not.toBe("string");
  });

  it.each([
    ["function keys, which are VS Code's", press("F5")],
    ["the way out", press("Tab", { shiftKey: true })],
    ["the command palette", press("P", { ctrlKey: true, shiftKey: true })],
    ["the window's own keys", press("w", { metaKey: true })],
    ["a modifier alone", press("Shift", { shiftKey: true })],
  ])("leaves %s alone", (_, key) => expect(typed(key)).toBeUndefined());
});
