import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DebugProtocol as P } from "@vscode/debugprotocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DapClient, guestFile, lineOf } from "../support/dap-client.ts";

const folder = join(import.meta.dirname, "kernels");
const sourceFile = join(folder, "kernel.c");
const source = readFileSync(sourceFile, "utf8");
const at = (text: string) => lineOf(source, text);

const hasGcc = spawnSync("gcc", ["--version"]).status === 0;
if (!hasGcc) console.log("skipped: kernels in C (the program gcc is not installed)");

/** Kernels are built as their authors build them. */
describe.skipIf(!hasGcc).each([
  ["DWARF 5", ["-O0", "-gdwarf-5"]],
  ["DWARF 4", ["-O0", "-gdwarf-4"]],
  ["DWARF 3 in 64-bit form", ["-O0", "-gdwarf-3", "-gdwarf64"]],
  ["linked high, run low", ["-O0", "-gdwarf-5", "-Wl,--defsym=high=0xC0000000"]],
])("a kernel in C, %s", (_name, flags) => {
  let built = "";
  let kernel: Uint8Array;

  beforeAll(() => {
    built = mkdtempSync(join(tmpdir(), "ringside-kernel-"));
    const output = join(built, "kernel.elf");
    const files = [join(folder, "multiboot.s"), sourceFile];
    const fixed =
      "-m32 -ffreestanding -fno-pic -no-pie -fno-stack-protector -nostdlib -static -Wl,--build-id=none".split(" ");
    const all = [...fixed, ...flags, "-T", join(folder, "kernel.ld"), ...files, "-o", output];
    execFileSync("gcc", all, { cwd: folder });
    kernel = readFileSync(output);
  });
  afterAll(() => rmSync(built, { recursive: true, force: true }));

  async function launched(): Promise<DapClient> {
    const client = new DapClient({ [guestFile]: kernel, [sourceFile]: source });
    await client.launch({ technique: "vtx-ept" });
    return client;
  }

  async function breakAt(client: DapClient, ...texts: string[]): Promise<P.Breakpoint[]> {
    const { breakpoints } = await client.request<P.SetBreakpointsResponse["body"]>("setBreakpoints", {
      source: { path: sourceFile },
      breakpoints: texts.map((text) => ({ line: at(text) })),
    });
    return breakpoints;
  }

  const top = async (client: DapClient) => {
    const [frame] = await client.frames();
    return [frame?.name.replace(/\+.*/, ""), frame?.line];
  };

  it("runs to its end", async () => {
    const client = await launched();
    await client.start();
    await client.go("continue");
    expect(client.console).toBe("sum 285, multiboot\n");
  });

  it("stops at lines, and steps over, into, out of and back by lines", async () => {
    const client = await launched();
    const [loop, nothing] = await breakAt(client, "sum += square", "u32 sum = 0");
    expect(loop).toMatchObject({ verified: true, line: at("sum += square") });
    expect(nothing).toMatchObject({ verified: true });
    await client.start();
    await client.go("continue");
    expect(await top(client)).toEqual(["kernel", at("u32 sum = 0")]);
    await client.go("continue");
    expect(await top(client)).toEqual(["kernel", at("sum += square")]);
    await client.go("stepIn");
    expect((await top(client))[0]).toBe("square");
    expect((await client.frames())[1]).toMatchObject({ line: at("sum += square"), source: { path: sourceFile } });
    await client.go("next");
    expect(await top(client)).toEqual(["square", at("u32 result")]);
    await client.go("next");
    expect(await top(client)).toEqual(["square", at("return result")]);
    await client.go("stepBack");
    expect(await top(client)).toEqual(["square", at("u32 result")]);
    await client.go("stepOut");
    expect(await top(client)).toEqual(["kernel", at("sum += square")]);
    await client.go("next");
    expect(await top(client)).toEqual(["kernel", at("for (u32")]);
    await client.go("next");
    expect(await top(client)).toEqual(["kernel", at("sum += square")]);
  });

  it("finds the code that runs before paging is on", async () => {
    const client = await launched();
    await client.start();
    const [frame] = await client.frames();
    expect(frame).toMatchObject({ name: "_start", source: { path: join(folder, "multiboot.s") } });
    await client.go("next");
    expect((await client.frames())[0]!.line).toBe(frame!.line + 1);
  });

  it("stops at functions and shows code with their names", async () => {
    const client = await launched();
    await client.request("setFunctionBreakpoints", { breakpoints: [{ name: "print" }] });
    await client.start();
    await client.go("continue");
    expect((await top(client))[0]).toBe("print");
    const [frame] = await client.frames();
    const { instructions } = await client.request<NonNullable<P.DisassembleResponse["body"]>>("disassemble", {
      memoryReference: frame!.instructionPointerReference,
      instructionCount: 2,
      resolveSymbols: true,
    });
    expect(instructions[0]).toMatchObject({ symbol: "print", instruction: "push ebp", line: at("void print") + 1 });
  });

  it("looks for its sources elsewhere when told to", async () => {
    const client = new DapClient({ [guestFile]: kernel });
    await client.launch({ sourceRoot: "/elsewhere/" });
    const { sources } = await client.request<P.LoadedSourcesResponse["body"]>("loadedSources");
    expect(sources.map(({ path }) => path)).toContain("/elsewhere/kernel.c");
  });

  it("knows its sources", async () => {
    const client = await launched();
    const { sources } = await client.request<P.LoadedSourcesResponse["body"]>("loadedSources");
    expect(sources.map(({ path }) => path)).toEqual([join(folder, "multiboot.s"), sourceFile]);
  });
});
