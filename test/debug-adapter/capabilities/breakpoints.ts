import type { DebugProtocol as P } from "@vscode/debugprotocol";
import { expect } from "vitest";
import { guestFile } from "../../support/dap-client.ts";
import { at } from "../guest.ts";
import { type Behaviours, launched, started } from "./client.ts";

/** Stops at code: at labels, lines and addresses, under conditions. */
export const breakpoints = {
  async supportsFunctionBreakpoints() {
    const client = await launched();
    const { breakpoints } = await client.request<P.SetFunctionBreakpointsResponse["body"]>("setFunctionBreakpoints", {
      breakpoints: [{ name: "double" }, { name: "print.end" }, { name: "treble" }],
    });
    expect(breakpoints.map(({ verified }) => verified)).toEqual([true, true, false]);
    expect(breakpoints[2]!.message).toBe('The program has no label "treble".');
    await client.start();
    expect((await client.go("continue")).reason).toBe("function breakpoint");
    expect(await client.line()).toBe(at("double:"));
    await client.go("continue");
    expect(await client.line()).toBe(at(".end:"));
  },

  async supportsConditionalBreakpoints() {
    const client = await launched();
    await client.breakAt({ line: at("loop"), condition: "ecx == 2" });
    await client.start();
    await client.go("continue");
    expect(await client.evaluate("ecx")).toContain("0x00000002");
    expect((await client.go("continue")).description).toBe("Halted");
  },

  async supportsHitConditionalBreakpoints() {
    const client = await launched();
    await client.breakAt({ line: at("loop"), hitCondition: "== 3" });
    await client.start();
    await client.go("continue");
    expect(await client.evaluate("ecx")).toContain("0x00000001");
    expect((await client.go("continue")).description).toBe("Halted");
  },

  async supportsLogPoints() {
    const client = await launched();
    await client.breakAt({ line: at("loop"), logMessage: "ecx is {ecx}, {nothing}" });
    await client.start();
    expect((await client.go("continue")).description).toBe("Halted");
    const logged = client.events.filter(({ body }) => body?.category === "console").map(({ body }) => body.output);
    expect(logged).toEqual(
      [3, 2, 1].map(
        (n) => `ecx is 0x0000000${n} (${n}), {nothing: there is no register, flag, label or constant "nothing"}\n`,
      ),
    );
  },

  async supportsInstructionBreakpoints() {
    const client = await started();
    const frames = await client.frames();
    const { breakpoints } = await client.request<P.SetInstructionBreakpointsResponse["body"]>(
      "setInstructionBreakpoints",
      { breakpoints: [{ instructionReference: frames[0]!.instructionPointerReference, offset: 5 }] },
    );
    expect(breakpoints[0]).toMatchObject({ verified: true, line: at("call double") });
    expect((await client.go("continue")).reason).toBe("instruction breakpoint");
    expect(await client.line()).toBe(at("call double"));
  },

  async supportsBreakpointLocationsRequest() {
    const client = await launched();
    const body = await client.request<P.BreakpointLocationsResponse["body"]>("breakpointLocations", {
      source: { path: guestFile },
      line: 1,
      endLine: at("cpuid"),
    });
    expect(body.breakpoints.map(({ line }) => line)).toEqual([at("start:"), at("call double"), at("cpuid")]);
  },
} satisfies Behaviours;
