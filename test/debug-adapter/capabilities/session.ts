import type { DebugProtocol as P } from "@vscode/debugprotocol";
import { expect } from "vitest";
import { DapClient, guestFile, lineOf } from "../../support/dap-client.ts";
import { at, endless, guest } from "../guest.ts";
import { type Behaviours, launched } from "./client.ts";

/** From the beginning of a session to its end. */
export const session = {
  async supportsConfigurationDoneRequest() {
    const client = await launched();
    await client.breakAt({ line: at("cpuid") });
    expect(client.events.map(({ event }) => event)).not.toContain("stopped");
    expect((await client.start()).reason).toBe("entry");
    expect(await client.line()).toBe(at("start:"));
  },

  async supportsRestartRequest() {
    const files = { [guestFile]: guest };
    const client = await launched(files);
    await client.breakAt({ line: at("cpuid") });
    await client.start();
    await client.go("continue");
    // The program is read again, and breakpoints move with it.
    files[guestFile] = guest.replace("        cpuid", "        nop\n        nop\n        cpuid");
    expect((await client.go("restart")).reason).toBe("entry");
    await client.go("continue");
    expect(await client.line()).toBe(at("cpuid"));
    expect(await client.evaluate("byte [eip]")).toContain("0x90");
    files[guestFile] = "        mov eax,\n";
    await expect(client.request("restart")).rejects.toThrow("does not assemble");
    expect(await client.evaluate("byte [eip]")).toContain("0x90");
  },

  async supportsTerminateRequest() {
    const client = await launched(endless, { stopOnEntry: false });
    await client.request("configurationDone");
    await client.request("terminate");
    await client.event("terminated");
    expect(client.events.map(({ event }) => event)).not.toContain("stopped");
  },

  async supportsCancelRequest() {
    const client = new DapClient(endless);
    await client.launch({}, { supportsProgressReporting: true });
    await client.start();
    await client.go("ringside/goToMoment", { measure: "step", value: 400_000 });
    const here = await client.evaluate("eax");
    await client.breakAt({ line: lineOf(endless, "inc eax"), condition: "eax == 0FFFFFFFFh" });
    await client.request("reverseContinue", { threadId: 1 });
    const { progressId, cancellable } = await client.event<P.ProgressStartEvent["body"]>("progressStart");
    expect(cancellable).toBe(true);
    await client.request("cancel", { progressId });
    expect((await client.stopped()).reason).toBe("pause");
    expect(client.events.filter(({ event }) => event === "progressEnd").map(({ body }) => body.progressId)).toEqual([
      progressId,
    ]);
    expect(await client.evaluate("eax")).toBe(here);
    // What is not under way any more cannot be cancelled, which is no error.
    await client.request("cancel", { progressId });
  },
} satisfies Behaviours;
