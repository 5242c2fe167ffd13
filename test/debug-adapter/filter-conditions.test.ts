import type { DebugProtocol as P } from "@vscode/debugprotocol";
import { expect, it } from "vitest";
import { filters } from "../../debug-adapter/capabilities.ts";
import { DapClient } from "../support/dap-client.ts";
import { faulting, guest } from "./guest.ts";

/** Stops where a filter with a condition says, forwards to the end and back to the start; gives what is asked at each stop. */
async function stops(source: string, filterId: string, condition: string, asked: string): Promise<string[]> {
  const client = new DapClient(source);
  await client.launch();
  const filterOptions = [{ filterId, condition }, { filterId: filters.end }];
  await client.request("setExceptionBreakpoints", { filters: [], filterOptions });
  await client.start();
  const found: string[] = [];
  for (const way of ["continue", "reverseContinue"]) {
    while ((await client.go(way)).reason === "exception") found.push(await client.evaluate(asked));
    found.push("|");
  }
  return found;
}

it.each([
  [guest, filters.exits, "io_instruction if al == 'i'", "al", ["0x69 (105) 'i'", "|", "0x69 (105) 'i'", "|"]],
  [guest, filters.exits, "if al == 10", "al", ["0x0a (10)", "|", "0x0a (10)", "|"]],
  [faulting, filters.exceptions, "#UD if bx == 1", "bx", ["0x0001 (1)", "|", "0x0001 (1)", "|"]],
  [faulting, filters.exceptions, "#GP if bx == 1", "bx", ["|", "|"]],
  [faulting, filters.exceptions, "6", "cx", ["0x0000 (0)", "0x0001 (1)", "|", "0x0001 (1)", "0x0000 (0)", "|"]],
] as const)(
  "stops, forwards and backwards, where names and expression say: case %#",
  async (source, filter, condition, asked, expected) => {
    expect(await stops(source, filter, condition, asked)).toEqual(expected);
  },
);

it("says what is wrong with a condition", async () => {
  const client = new DapClient(guest);
  await client.launch();
  const filterOptions = [{ filterId: filters.exits, condition: "CPUID if eax ==" }];
  const { breakpoints } = await client.request<P.SetFunctionBreakpointsResponse["body"]>("setExceptionBreakpoints", {
    filters: [],
    filterOptions,
  });
  expect(breakpoints).toEqual([{ verified: false, message: "Condition: a value is missing before the end." }]);
});
