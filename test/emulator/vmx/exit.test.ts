import { describe, expect, test } from "vitest";
import type { Fault } from "../../../emulator/cpu/monitor.ts";
import { interruptionInfo, nmiInfo } from "../../../emulator/vmx/exit.ts";

const fault = (vector: number, source: Fault["source"], errorCode?: number): Fault => ({
  kind: "fault",
  vector,
  source,
  errorCode,
  length: 1,
});

describe("interruption information (SDM Vol. 3, 25.9.2)", () => {
  test.each([
    ["#PF: hardware exception with an error code", fault(14, "hardware", 2), 0x8000_0b0e],
    ["#UD: hardware exception", fault(6, "hardware"), 0x8000_0306],
    ["INT 80h: software interrupt", fault(0x80, "software"), 0x8000_0480],
    ["INT1: privileged software exception", fault(1, "software-exception"), 0x8000_0501],
    ["INT3: software exception", fault(3, "software-exception"), 0x8000_0603],
    ["INTO: software exception", fault(4, "software-exception"), 0x8000_0604],
  ] as const)("%s", (_, event, info) => {
    expect(interruptionInfo(event) >>> 0).toBe(info);
  });

  test("NMI", () => {
    expect(nmiInfo() >>> 0).toBe(0x8000_0202);
  });
});
