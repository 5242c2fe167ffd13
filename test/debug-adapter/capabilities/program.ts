import { createHash } from "node:crypto";
import type { DebugProtocol as P } from "@vscode/debugprotocol";
import { expect } from "vitest";
import { DapClient, guestFile } from "../../support/dap-client.ts";
import { at, guest } from "../guest.ts";
import { type Behaviours, launched, started } from "./client.ts";

/** The program: its stack, its modules and its sources. */
export const program = {
  async supportsDelayedStackTraceLoading() {
    const client = await launched();
    await client.breakAt({ line: at("pop ebx") });
    await client.start();
    await client.go("continue");
    const load = (startFrame: number, levels: number) =>
      client.request<P.StackTraceResponse["body"]>("stackTrace", { threadId: 1, startFrame, levels });
    const whole = await client.frames();
    expect(whole).toHaveLength(2);
    expect(await load(0, 1)).toEqual({ stackFrames: whole.slice(0, 1), totalFrames: 2 });
    expect(await load(1, 20)).toEqual({ stackFrames: whole.slice(1), totalFrames: 2 });
    // What is loaded late, VS Code shows late.
    const told = (clientID: string) =>
      new DapClient(guest).request<P.Capabilities>("initialize", { adapterID: "ringside", clientID });
    expect((await told("neovim")).supportsDelayedStackTraceLoading).toBe(true);
    expect((await told("vscode")).supportsDelayedStackTraceLoading).toBe(false);
  },

  async supportsModulesRequest() {
    const client = await started();
    const load = (args: object) => client.request<P.ModulesResponse["body"]>("modules", args);
    const { modules, totalModules } = await load({});
    expect(modules.map(({ name, symbolStatus }) => [name, symbolStatus])).toEqual([
      ["guest.asm", "7 labels"],
      ["VMM", "Built in: no code of this machine"],
    ]);
    expect(modules[0]!.addressRange).toMatch(/^0x100000-0x10/);
    expect(await load({ startModule: 1, moduleCount: 1 })).toEqual({ modules: [modules[1]], totalModules });
  },

  async additionalModuleColumns() {
    const client = await started();
    const { modules } = await client.request<P.ModulesResponse["body"]>("modules");
    expect(modules.map((module) => (module as { technique?: string }).technique)).toEqual(["vtx-ept", "vtx-ept"]);
  },

  async supportsLoadedSourcesRequest() {
    const client = await launched({
      [guestFile]: guest.replace("        cpuid", '%include "more.inc"'),
      "/guests/more.inc": "        nop\n",
    });
    const { sources } = await client.request<P.LoadedSourcesResponse["body"]>("loadedSources");
    expect(sources.map(({ path }) => path)).toEqual([guestFile, "/guests/more.inc"]);
  },

  async supportedChecksumAlgorithms() {
    const files = { [guestFile]: guest };
    const client = await launched(files);
    const { sources } = await client.request<P.LoadedSourcesResponse["body"]>("loadedSources");
    const checksum = createHash("sha256").update(guest).digest("hex");
    expect(sources[0]!.checksums).toEqual([{ algorithm: "SHA256", checksum }]);
    const messages = async (args: object = {}) => {
      const source = { path: guestFile };
      const breakpoints = [{ line: at("cpuid") }, { line: 1 }];
      const request = { source, breakpoints, ...args };
      return (await client.request<P.SetBreakpointsResponse["body"]>("setBreakpoints", request)).breakpoints.map(
        ({ verified, message }) => [verified, message],
      );
    };
    const snapped = "Line 1 has no instruction; the next one is in line 6.";
    const stale = "guest.asm has changed since it was assembled: restart to run it as it is now.";
    expect(await messages()).toEqual([
      [true, undefined],
      [true, snapped],
    ]);
    expect(await messages({ sourceModified: true })).toEqual([
      [true, stale],
      [true, `${snapped} ${stale}`],
    ]);
    files[guestFile] = guest.replace("answer", "result");
    expect((await messages())[0]).toEqual([true, stale]);
  },
} satisfies Behaviours;
