import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { DebugProtocol as P } from "@vscode/debugprotocol";
import { expect, it } from "vitest";
import { breakpointModes } from "../../debug-adapter/data-breakpoints.ts";
import { DapClient, lineOf } from "../support/dap-client.ts";
import { guest } from "./guest.ts";

const modes = breakpointModes.map(({ mode }) => mode);
const xen = readFileSync(join(import.meta.dirname, "..", "..", "examples", "xen-user-mode.asm"), "utf8");

async function watching(client: DapClient, args: object, accessType: P.DataBreakpointAccessType = "write") {
  const info = await client.request<P.DataBreakpointInfoResponse["body"]>("dataBreakpointInfo", args);
  expect(info.dataId).not.toBeNull();
  await client.request("setDataBreakpoints", { breakpoints: [{ dataId: info.dataId, accessType }] });
}

it.each(modes)("a guest of Xen, whose machine addresses are not its own, is watched by %s address", async (mode) => {
  const client = new DapClient(xen);
  await client.launch();
  await client.start();
  await watching(client, { name: "qword [update.value]", mode });
  expect((await client.go("continue")).reason).toBe("data breakpoint");
  expect(await client.line()).toBe(lineOf(xen, "lea rdi, [rel update]"));
  expect((await client.go("reverseContinue")).reason).toBe("data breakpoint");
  expect(await client.line()).toBe(lineOf(xen, "mov [rel update.value], rax"));
});

it.each(["bare-metal", "trap-and-emulate", "binary-translation", "vtx-shadow", "svm-npt"])(
  "a step into, over and back reports what it touches, under %s",
  async (technique) => {
    const client = new DapClient(guest);
    await client.launch({ technique });
    await client.breakAt({ line: lineOf(guest, "push ebx") });
    await client.start();
    await client.go("continue");
    await watching(client, { name: "dword [esp - 4]" });
    expect((await client.go("next")).reason).toBe("data breakpoint");
    expect(await client.line()).toBe(lineOf(guest, "add eax, eax"));
    expect((await client.go("next")).reason).toBe("step");
    expect((await client.go("reverseContinue")).reason).toBe("data breakpoint");
    expect(await client.line()).toBe(lineOf(guest, "push ebx"));
  },
);

it("a data breakpoint stays where its address was, and outlives a restart", async () => {
  const client = new DapClient(guest);
  await client.launch();
  await client.start();
  await watching(client, { name: "byte [buffer]" });
  expect((await client.go("continue")).reason).toBe("data breakpoint");
  await client.go("restart");
  expect((await client.go("continue")).reason).toBe("data breakpoint");
  expect(await client.evaluate("edi == buffer + 1")).toBe("1");
  await client.request("setDataBreakpoints", { breakpoints: [] });
  expect((await client.go("continue")).description).toBe("Halted");
});
