import type { DebugProtocol as P } from "@vscode/debugprotocol";
import { describe, expect, it } from "vitest";
import { DapClient } from "../support/dap-client.ts";

/** Copies its routine to 8000h, changes it there after the first call, and calls it again. */
const copied = `
        org 7C00h
start:  mov si, routine
        mov di, 8000h
        mov cx, routine.end - routine
        rep movsb
        mov bx, 8000h
        call bx
        mov byte [8001h], 9
        call bx
        hlt
routine:
        mov al, 5
        inc ax
        ret
.end:
`;

async function inCopy(): Promise<DapClient> {
  const client = new DapClient(copied);
  await client.launch({ technique: "vtx-ept" });
  await client.request("setInstructionBreakpoints", { breakpoints: [{ instructionReference: "0x8000" }] });
  await client.start();
  await client.go("continue");
  return client;
}

const newest = async (client: DapClient): Promise<P.StackFrame> => (await client.frames())[0]!;

const textOf = (client: DapClient, source: P.Source | undefined) =>
  client.request<P.SourceResponse["body"]>("source", { source, sourceReference: source!.sourceReference });

const lineOf = async (client: DapClient, { source, line }: P.StackFrame): Promise<string> =>
  (await textOf(client, source)).content.split("\n")[line - 1]!;

describe("code without a source", () => {
  it("is shown disassembled, with the line of the instruction, and stepped through there", async () => {
    const client = await inCopy();
    const first = await newest(client);
    expect(first.source).toMatchObject({
      name: expect.stringMatching(/^Disassembly from 0x/),
      origin: expect.any(String),
    });
    expect((await textOf(client, first.source)).mimeType).toBe("text/x-ringside-disassembly");
    expect(await lineOf(client, first)).toMatch(/^00008000 {2}B0 05 +mov al, 5$/);
    await client.go("next");
    const second = await newest(client);
    expect(second.source).toEqual(first.source);
    expect(second.line).toBe(first.line + 1);
    expect(await lineOf(client, second)).toMatch(/^00008002 {2}40 +inc ax$/);
    await client.go("stepOut");
    expect((await newest(client)).source).toMatchObject({ path: "/guests/guest.asm" });
  });

  it("takes breakpoints in its lines", async () => {
    const client = await inCopy();
    await client.request("setInstructionBreakpoints", { breakpoints: [] });
    const { source, line } = await newest(client);
    const breakpoints = [{ line: line + 2 }];
    const set = await client.request<P.SetBreakpointsResponse["body"]>("setBreakpoints", { source, breakpoints });
    expect(set.breakpoints).toMatchObject([{ verified: true, instructionReference: "0x8003" }]);
    expect(await client.go("continue")).toMatchObject({ reason: "breakpoint" });
    expect(await newest(client)).toMatchObject({ source, line: line + 2 });
    // Of another session's listing nothing is known.
    const other = { name: source!.name!, sourceReference: 4 };
    const unknown = await client.request<P.SetBreakpointsResponse["body"]>("setBreakpoints", {
      source: other,
      breakpoints,
    });
    expect(unknown.breakpoints).toMatchObject([{ verified: false, message: expect.stringContaining("not part of") }]);
    await expect(textOf(client, other)).rejects.toThrow("no source with the number 4");
  });

  it("is another document once it has changed, and the first one again in the past", async () => {
    const client = await inCopy();
    const before = await newest(client);
    await client.go("continue");
    const after = await newest(client);
    expect(after.source!.sourceReference).not.toBe(before.source!.sourceReference);
    expect(await lineOf(client, after)).toMatch(/^00008000 {2}B0 09 +mov al, 9$/);
    expect(await lineOf(client, before)).toMatch(/mov al, 5$/);
    await client.go("reverseContinue");
    expect(await newest(client)).toMatchObject({ source: before.source, line: before.line });
  });
});
