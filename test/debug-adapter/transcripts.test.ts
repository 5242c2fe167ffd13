import { expect, it } from "vitest";
import { filters } from "../../debug-adapter/capabilities.ts";
import { DapClient, lineOf } from "../support/dap-client.ts";
import { guest } from "./guest.ts";

const golden = (name: string) => `../golden/debug-adapter/${name}.txt`;
const thread = { threadId: 1 };

/** Everything a client asks for when the guest has stopped. */
async function look(client: DapClient): Promise<void> {
  await client.request("threads");
  await client.request("stackTrace", { ...thread, startFrame: 0, levels: 20 });
  await client.request("scopes", { frameId: 1 });
}

it("stops on a VM exit, explains it, lets the VMM handle it, and goes back", async () => {
  const client = new DapClient(guest);
  await client.launch();
  await client.breakAt({ line: lineOf(guest, "call double") });
  await client.request("setExceptionBreakpoints", {
    filters: [filters.end],
    filterOptions: [{ filterId: filters.exits, condition: "CPUID" }],
  });
  await client.start();
  await client.go("continue");
  await client.go("continue");
  await look(client);
  await client.request("exceptionInfo", thread);
  await client.request("variables", { variablesReference: 100 });
  await client.request("variables", { variablesReference: 102 });
  await client.go("next");
  await look(client);
  await client.request("ringside/events", { after: 4, limit: 20 });
  await client.go("stepBack");
  await client.request("ringside/events", { after: 4, limit: 20 });
  await client.request("disconnect");
  await expect(client.transcript).toMatchFileSnapshot(golden("exit"));
});

it("shows registers, memory and code of a 16-bit guest", async () => {
  const client = new DapClient(
    "        org 7C00h\nstart:  mov ax, 5\n        push ax\n        hlt\ntext:   db 'seat'\n",
  );
  await client.launch({ technique: "bare-metal" });
  await client.start();
  await client.go("next");
  await look(client);
  for (const variablesReference of [1, 2, 3, 4]) await client.request("variables", { variablesReference });
  await client.request("setVariable", { variablesReference: 1, name: "EAX", value: "-1" });
  await client.request("evaluate", { expression: "ax", context: "hover" });
  await client.request("evaluate", { expression: "dword [text]", context: "watch" });
  await client.request("readMemory", { memoryReference: "0x7c00", count: 8 });
  await client.request("disassemble", { memoryReference: "0x7c00", instructionOffset: 0, instructionCount: 4 });
  await expect(client.transcript).toMatchFileSnapshot(golden("real-mode"));
});

it("stays with a guest that has triple-faulted", async () => {
  const source = "        org 7C00h\n        lidt [none]\n        int 3\nnone:   dw 0\n        dd 0\n";
  const client = new DapClient(source);
  await client.launch({ technique: "bare-metal", stopOnEntry: false });
  await client.start();
  await look(client);
  await client.request("exceptionInfo", thread);
  await expect(client.request("continue", thread)).rejects.toThrow();
  await client.go("stepBack");
  await look(client);
  await expect(client.transcript).toMatchFileSnapshot(golden("triple-fault"));
});

it("refuses to launch what does not assemble", async () => {
  const client = new DapClient("start:  mov eax, bl\n        jmp nowhere\n");
  await expect(client.launch()).rejects.toThrow();
  await expect(client.transcript).toMatchFileSnapshot(golden("refused"));
});
