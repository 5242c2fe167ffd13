import type { DebugProtocol as P } from "@vscode/debugprotocol";
import { expect } from "vitest";
import { breakpointModes } from "../../../debug-adapter/data-breakpoints.ts";
import { at } from "../guest.ts";
import { type Behaviours, launched, scopeReference, started } from "./client.ts";

/** Stops at data. */
export const dataBreakpoints = {
  async supportsDataBreakpoints() {
    const client = await started();
    const info = (args: object) => client.request<P.DataBreakpointInfoResponse["body"]>("dataBreakpointInfo", args);
    const set = async (...breakpoints: P.DataBreakpoint[]) =>
      (await client.request<P.SetDataBreakpointsResponse["body"]>("setDataBreakpoints", { breakpoints })).breakpoints;
    expect(await info({ name: "answer" })).toMatchObject({ dataId: null });
    expect(await info({ name: "byte [buffer + 2]" })).toMatchObject({
      dataId: expect.stringMatching(/^0x10[\da-f]+\/1$/),
      accessTypes: ["read", "write", "readWrite"],
    });
    // A label stands for its data, here four bytes.
    const { dataId } = await info({ name: "buffer" });
    expect(dataId).toMatch(/\/4$/);
    const breakpoints = await set(
      { dataId: dataId!, accessType: "write", condition: "edi == buffer + 3" },
      { dataId: dataId!, accessType: "read" },
      { dataId: "nonsense" },
    );
    expect(breakpoints.map(({ verified }) => verified)).toEqual([true, true, false]);
    const stop = await client.go("continue");
    expect(stop).toMatchObject({ reason: "data breakpoint", hitBreakpointIds: [breakpoints[0]!.id] });
    expect(stop.text).toMatch(/^Written: 4 bytes at 0x10[\da-f]+, now 0x00010101/);
    expect(await client.line()).toBe(at("rep stosb"));
    expect((await client.go("continue")).description).toBe("Halted");
    // The greeting is read byte by byte; backwards, the guest stands before the instruction that reads.
    const greeting = (await info({ name: "byte [greeting + 1]" })).dataId!;
    await set({ dataId: greeting, accessType: "read" });
    expect(await client.go("reverseContinue")).toMatchObject({
      reason: "data breakpoint",
      text: expect.stringMatching(/^Read by this instruction: 1 byte at .*'i'$/),
    });
    expect(await client.line()).toBe(at("lodsb"));
    expect(await client.evaluate("esi == greeting + 1")).toBe("1");
    expect(await client.go("reverseContinue")).toMatchObject({ description: "At the beginning of the run" });
    await set({ dataId: (await info({ name: "buffer" })).dataId!, accessType: "readWrite", hitCondition: "== 3" });
    await client.go("continue");
    expect(await client.evaluate("edi == buffer + 3")).toBe("1");
  },

  async supportsDataBreakpointBytes() {
    const client = await started();
    const info = (args: object) => client.request<P.DataBreakpointInfoResponse["body"]>("dataBreakpointInfo", args);
    const address = (await client.evaluate("buffer")).split(" ")[0]!;
    const { dataId, canPersist } = await info({ name: address, asAddress: true, bytes: 3 });
    expect({ dataId, canPersist }).toEqual({ dataId: `${address}/3`, canPersist: true });
    expect(await info({ name: address, asAddress: true, bytes: 0 })).toMatchObject({ dataId: null });
    await client.request("setDataBreakpoints", { breakpoints: [{ dataId, hitCondition: ">= 3" }] });
    await client.go("continue");
    expect(await client.evaluate("edi == buffer + 3")).toBe("1");
    expect((await client.go("continue")).description).toBe("Halted");
    // What a register points to, as many bytes as it is wide.
    const general = await scopeReference(client, "General");
    expect(await info({ variablesReference: general, name: "ESP" })).toMatchObject({
      dataId: expect.stringMatching(/\/4$/),
    });
    const flags = await scopeReference(client, "Flags");
    expect(await info({ variablesReference: flags, name: "CF" })).toMatchObject({ dataId: null });
  },

  async breakpointModes() {
    for (const { mode } of breakpointModes) {
      const client = await launched();
      await client.breakAt({ line: at("mov ecx, 4") });
      await client.start();
      await client.go("continue");
      await client.evaluate("byte [buffer] = 0", "repl");
      const { dataId, description } = await client.request<P.DataBreakpointInfoResponse["body"]>("dataBreakpointInfo", {
        name: "byte [buffer]",
        mode,
      });
      const prefix = { linear: "", "guest-physical": "gpa:", "host-physical": "hpa:" }[mode];
      expect(dataId).toMatch(new RegExp(`^${prefix}0x[\\da-f]+/1$`));
      expect(description).toContain(mode === "linear" ? "guest-virtual" : mode);
      await client.request("setDataBreakpoints", { breakpoints: [{ dataId, accessType: "write" }] });
      expect((await client.go("continue")).reason).toBe("data breakpoint");
      expect(await client.evaluate("edi == buffer + 1")).toBe("1");
    }
  },
} satisfies Behaviours;
