import type { DebugProtocol as P } from "@vscode/debugprotocol";
import { expect } from "vitest";
import { at } from "../guest.ts";
import { type Behaviours, started } from "./client.ts";

/** Memory as bytes, and as instructions. */
export const memory = {
  async supportsReadMemoryRequest() {
    const client = await started();
    const { memoryReference } = await client.request<P.EvaluateResponse["body"]>("evaluate", {
      expression: "greeting",
    });
    const read = (args: object) => client.request<NonNullable<P.ReadMemoryResponse["body"]>>("readMemory", args);
    const body = await read({ memoryReference, offset: 1, count: 3 });
    expect(Buffer.from(body.data ?? "", "base64").toString("latin1")).toBe("i\n\0");
    expect(body.unreadableBytes).toBeUndefined();
    // 16 MiB of guest memory end at 1000000h.
    const edge = await read({ memoryReference: "gpa:0xfffffe", count: 8 });
    expect(Buffer.from(edge.data ?? "", "base64")).toHaveLength(2);
    expect(edge.unreadableBytes).toBe(6);
    await expect(read({ memoryReference: "somewhere", count: 1 })).rejects.toThrow("not a memory reference");
  },

  async supportsWriteMemoryRequest() {
    const client = await started();
    const write = (args: object) => client.request<NonNullable<P.WriteMemoryResponse["body"]>>("writeMemory", args);
    const data = Buffer.from("yo").toString("base64");
    const { memoryReference } = await client.request<P.EvaluateResponse["body"]>("evaluate", {
      expression: "greeting",
    });
    expect((await write({ memoryReference, data })).bytesWritten).toBe(2);
    expect((await write({ memoryReference: "gpa:0xffffff", data, allowPartial: true })).bytesWritten).toBe(1);
    await expect(write({ memoryReference: "gpa:0xfffffe", data: "AAAAAA==" })).rejects.toThrow("nothing was written");
    expect(await client.evaluate("byte [gpa:0xfffffe]")).toContain("0x00");
    await client.go("continue");
    expect(client.console).toBe("yo\n");
  },

  async supportsDisassembleRequest() {
    const client = await started();
    const disassemble = async (args: object) =>
      (await client.request<P.DisassembleResponse["body"]>("disassemble", { memoryReference: "0x100000", ...args }))!
        .instructions;
    const code = await disassemble({ instructionCount: 3 });
    expect(code.map(({ instruction }) => instruction)).toEqual([
      "mov eax, 1",
      expect.stringMatching(/^call double/),
      "cpuid",
    ]);
    expect(code[0]).toMatchObject({
      address: "0x100000",
      symbol: "start",
      line: at("start:"),
      instructionBytes: "b8 01 00 00 00",
    });
    // Always as many as wanted, also before the program and before the start of memory.
    for (const [instructionOffset, instructionCount] of [
      [-50, 100],
      [-5, 3],
      [7, 40],
      [0, 0],
    ] as const)
      expect(await disassemble({ instructionOffset, instructionCount })).toHaveLength(instructionCount);
    const before = await disassemble({ memoryReference: "0x2", instructionOffset: -4, instructionCount: 5 });
    expect(before.filter(({ presentationHint }) => presentationHint === "invalid").length).toBeGreaterThan(1);
    expect(before.at(-1)!.address).toBe("0x2");
    // From the middle of the program backwards, lines lie on the assembler's boundaries.
    const back = await disassemble({ memoryReference: code[2]!.address, instructionOffset: -2, instructionCount: 3 });
    expect(back.map(({ address }) => address)).toEqual(code.map(({ address }) => address));
    // Data is shown as data.
    const { memoryReference } = await client.request<P.EvaluateResponse["body"]>("evaluate", {
      expression: "greeting",
    });
    expect((await disassemble({ memoryReference, instructionCount: 1 }))[0]!.instruction).toBe("db 68h, 69h, 0Ah, 00h");
  },
} satisfies Behaviours;
