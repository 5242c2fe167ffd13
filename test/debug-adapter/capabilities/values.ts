import type { DebugProtocol as P } from "@vscode/debugprotocol";
import { expect } from "vitest";
import { DapClient } from "../../support/dap-client.ts";
import { at, guest } from "../guest.ts";
import { type Behaviours, scopeReference, started, variables } from "./client.ts";

/** What a person reads of the guest, and writes into it. */
export const values = {
  async supportsEvaluateForHovers() {
    const client = await started();
    expect(await client.evaluate("eip", "hover")).toContain("0x00100000");
    expect(await client.evaluate("greeting", "hover")).toMatch(/^0x1000/);
    expect(await client.evaluate("answer", "hover")).toBe("0x2a (42) '*'");
    expect(await client.evaluate("byte [greeting + 1]", "hover")).toBe("0x69 (105) 'i'");
    await expect(client.evaluate("nonsense", "hover")).rejects.toThrow(
      'no register, flag, label or constant "nonsense"',
    );
  },

  async supportsCompletionsRequest() {
    const client = await started();
    const complete = async (text: string, column: number) =>
      (await client.request<P.CompletionsResponse["body"]>("completions", { text, column })).targets;
    expect(await complete("1 + gre * 2", 8)).toEqual([{ label: "greeting", type: "reference", start: 4, length: 3 }]);
    expect((await complete("EA", 3)).map(({ label }) => label)).toEqual(["eax"]);
    expect((await complete("", 1)).map(({ label }) => label)).toEqual(
      expect.arrayContaining(["al", "zf", "cs.base", "answer", "print.end"]),
    );
    expect((await complete("r", 2)).map(({ label }) => label)).not.toContain("rax");
  },

  async completionTriggerCharacters() {
    const client = await started();
    const complete = async (text: string) =>
      (await client.request<P.CompletionsResponse["body"]>("completions", { text, column: text.length + 1 })).targets;
    // What is asked for after each of them has an answer: parts of registers and local labels, and addresses.
    expect((await complete("cs.")).map(({ label }) => label)).toContain("cs.base");
    expect((await complete("byte [")).map(({ label }) => label)).toContain("greeting");
  },

  async supportsClipboardContext() {
    const client = await started();
    expect(await client.evaluate("answer", "watch")).toBe("0x2a (42) '*'");
    expect(await client.evaluate("answer", "clipboard")).toBe("0x2a");
  },

  async supportsValueFormattingOptions() {
    const client = await started();
    const format = { hex: true };
    const result = async (command: string, args: object) =>
      client.request<{ result?: string; value?: string }>(command, { ...args, format });
    expect(await result("evaluate", { expression: "answer" })).toMatchObject({ result: "0x2a" });
    expect(await result("setExpression", { expression: "ecx", value: "11" })).toMatchObject({ value: "0x0000000b" });
    const flags = await scopeReference(client, "Flags");
    expect(await result("setVariable", { variablesReference: flags, name: "IOPL", value: "3" })).toMatchObject({
      value: "0x3",
    });
    const shown = async (args: object) =>
      (await client.request<P.VariablesResponse["body"]>("variables", { variablesReference: flags, ...args }))
        .variables;
    expect((await shown({ format })).find(({ name }) => name === "IOPL")?.value).toBe("0x3");
    expect((await shown({})).find(({ name }) => name === "IOPL")?.value).toBe("3");
  },

  async supportsANSIStyling() {
    const outputs = async (supportsANSIStyling: boolean) => {
      const client = new DapClient(guest);
      await client.launch({}, { supportsANSIStyling });
      await client.breakAt({ line: at("cpuid"), logMessage: "here" });
      await client.start();
      await client.go("continue");
      return client.events
        .filter(({ body }) => body?.category === "console" || body?.category === "stdout")
        .map(({ body }) => body.output);
    };
    // What the guest prints is its own.
    expect(await outputs(true)).toEqual(["\u001b[36mhere\u001b[0m\n", "hi\n"]);
    expect(await outputs(false)).toEqual(["here\n", "hi\n"]);
  },

  async supportsSetVariable() {
    const client = await started();
    const general = await scopeReference(client, "General");
    const set = (reference: number, name: string, value: string) =>
      client.request<P.SetVariableResponse["body"]>("setVariable", { variablesReference: reference, name, value });
    expect((await set(general, "EAX", "answer + 1")).value).toBe("0x0000002b");
    expect(await client.evaluate("al")).toContain("0x2b");
    expect((await set(await scopeReference(client, "Flags"), "CF", "1")).value).toBe("1");
    expect((await variables(client, "Flags")).find(({ name }) => name === "CF")?.value).toBe("1");
    await expect(set(general, "EAX", "100000000h")).rejects.toThrow("does not fit in the 32 bits of EAX");
    await expect(set(general, "EAX", "1 +")).rejects.toThrow("A value is missing before the end.");
  },

  async supportsSetExpression() {
    const client = await started();
    await client.request("setExpression", { expression: "word [buffer + 1]", value: "'AB'" });
    expect(await client.evaluate("dword [buffer]")).toContain("0x00424100");
    await client.request("setExpression", { expression: "ah", value: "7" });
    expect(await client.evaluate("eax & 0FF00h")).toContain("0x00000700");
    await expect(client.request("setExpression", { expression: "1 + 1", value: "7" })).rejects.toThrow(
      "not a register",
    );
  },
} satisfies Behaviours;
