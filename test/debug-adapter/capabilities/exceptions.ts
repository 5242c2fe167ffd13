import type { DebugProtocol as P } from "@vscode/debugprotocol";
import { expect } from "vitest";
import { filters } from "../../../debug-adapter/capabilities.ts";
import { lineOf } from "../../support/dap-client.ts";
import { faulting } from "../guest.ts";
import { type Behaviours, filter, launched } from "./client.ts";

/** Stops at exceptions and VM exits. */
export const exceptions = {
  async supportsExceptionInfoRequest() {
    const client = await launched();
    await client.request("setExceptionBreakpoints", filter(filters.exits, "cpuid"));
    await client.start();
    await expect(client.request("exceptionInfo", { threadId: 1 })).rejects.toThrow("not stopped at");
    await client.go("continue");
    const info = await client.request<P.ExceptionInfoResponse["body"]>("exceptionInfo", { threadId: 1 });
    expect(info.exceptionId).toBe("VM exit: CPUID");
    expect(info.details?.stackTrace).toContain("Rule: ");
    expect(info.details?.typeName).toBe("CPUID (10)");
  },

  async supportsExceptionFilterOptions() {
    const client = await launched();
    const { breakpoints } = await client.request<P.SetFunctionBreakpointsResponse["body"]>("setExceptionBreakpoints", {
      filters: [filters.end, "unheard-of"],
      filterOptions: [{ filterId: filters.exits, condition: "hlt; io instruction" }],
    });
    expect(breakpoints.map(({ verified }) => verified)).toEqual([true, false, true]);
    await client.start();
    expect(await client.go("continue")).toMatchObject({ reason: "exception", description: "VM exit: IO_INSTRUCTION" });
  },

  async exceptionBreakpointFilters() {
    const client = await launched(faulting);
    await client.request("setExceptionBreakpoints", filter(filters.exceptions, "#UD"));
    await client.start();
    expect(await client.go("continue")).toMatchObject({ reason: "exception", description: "Exception: #UD" });
    expect(await client.line()).toBe(lineOf(faulting, "ud2"));
    await client.go("continue");
    expect(await client.evaluate("bx")).toContain("0x0001");
    // Without the filter for its end, the session ends with the guest.
    await client.request("continue", { threadId: 1 });
    await client.event("terminated");
  },
} satisfies Behaviours;
