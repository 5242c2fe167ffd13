import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { filters } from "../../debug-adapter/capabilities.ts";
import { DapClient, lineOf } from "../support/dap-client.ts";

const source = readFileSync(join(import.meta.dirname, "../../examples/hypervisor.asm"), "utf8");
const consoleOf = (client: DapClient): string =>
  client.events
    .filter(({ event, body }) => event === "output" && body.category === "console")
    .map(({ body }) => body.output)
    .join("");

describe("a hypervisor of the guest's own", () => {
  it("is stopped at its handler where its guest has left, forwards and backwards", async () => {
    const client = new DapClient(source);
    await client.launch({});
    await client.request("setExceptionBreakpoints", { filters: [filters.exits] });
    await client.start();
    const first = await client.go("continue");
    expect(first).toMatchObject({ reason: "exception", description: "VM exit: CPUID" });
    expect(await client.line()).toBe(lineOf(source, "exited: mov esi"));
    const second = await client.go("continue");
    expect(second).toMatchObject({ description: "VM exit: VMCALL" });
    await client.go("reverseContinue");
    expect(await client.line()).toBe(lineOf(source, "exited: mov esi"));
    expect(await client.request("exceptionInfo")).toMatchObject({ exceptionId: "VM exit: CPUID" });
  });

  it("is told in the console what was wrong with an entry", async () => {
    const client = new DapClient(
      source.replace("dd 681Eh, guest", "dd 6820h, 2").replace("dd 4000h, 48Dh, 0", "dd 4000h, 48Dh, 80h"),
    );
    await client.launch({});
    await client.start();
    await client.go("continue");
    expect(consoleOf(client)).toContain("VMLAUNCH failed, VM-instruction error 7: VM entry failed");
  });

  it("is told once that it has not stepped over the instruction that exited", async () => {
    const client = new DapClient(source.replace("add rcx, rax", "inc ebp\n cmp ebp, 4\n je done"));
    await client.launch({});
    await client.start();
    await client.go("continue");
    expect(consoleOf(client).match(/CPUID again, at .*has not stepped over it/g)).toHaveLength(1);
  });
});
