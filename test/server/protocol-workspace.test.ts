import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CancellationTokenSource, type Diagnostic, LSPErrorCodes } from "vscode-languageserver";
import { LspClient } from "../support/lsp-client.ts";

interface Report {
  readonly uri: string;
  readonly kind: string;
  readonly resultId: string;
  readonly version: number | null;
  readonly items?: readonly Diagnostic[];
}

/** Two folders, a client that can do what VS Code can, and the shipped server, new for each test. */
describe("diagnostics of the whole workspace", () => {
  let root: string;
  let client: LspClient;
  const uriOf = (name: string) => pathToFileURL(join(root, name)).href;
  const write = (name: string, text: string) => writeFileSync(join(root, name), text);
  const changed = (name: string, type = 2) =>
    client.notify("workspace/didChangeWatchedFiles", { changes: [{ uri: uriOf(name), type }] });

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), "ringside-workspace-"));
    for (const folder of ["one", "two"]) mkdirSync(join(root, folder));
    write("one/a.asm", 'bits 32\n%include "lib.inc"\n mov eax, limit\n');
    write("one/lib.inc", "limit equ 5\n");
    write("two/b.asm", "bits 32\n movv eax, 1\n");
    client = new LspClient();
    await client.start({
      workspaceFolders: ["one", "two"].map((name) => ({ uri: uriOf(name), name })),
      capabilities: {
        workspace: {
          workspaceFolders: true,
          configuration: true,
          diagnostics: { refreshSupport: true },
          didChangeWatchedFiles: { dynamicRegistration: true },
          didChangeConfiguration: { dynamicRegistration: true },
        },
        textDocument: { diagnostic: {} },
      },
    });
  }, 60_000);

  afterEach(() => {
    client.stop();
    rmSync(root, { recursive: true });
  });

  const ask = async (known: readonly Report[] = []): Promise<readonly Report[]> => {
    const previousResultIds = known.map(({ uri, resultId }) => ({ uri, value: resultId }));
    const { items } = await client.request<{ items: Report[] }>("workspace/diagnostic", { previousResultIds });
    return [...items].sort((a, b) => a.uri.localeCompare(b.uri));
  };

  const short = (reports: readonly Report[]) =>
    reports.map(({ uri, kind, items }) => [
      uri.slice(uri.lastIndexOf("/") - 3),
      kind,
      items?.map(({ code }) => code).join(),
    ]);

  it("are given for programs that are not open, each with what is unchanged since", async () => {
    const first = await ask();
    expect(short(first)).toEqual([
      ["one/a.asm", "full", ""],
      ["two/b.asm", "full", "unknown-mnemonic"],
    ]);
    expect(first.map(({ version }) => version)).toEqual([null, null]);
    expect(short(await ask(first))).toEqual([
      ["one/a.asm", "unchanged", undefined],
      ["two/b.asm", "unchanged", undefined],
    ]);
  });

  it("follow the technique of a machine file that runs the program, unless its source says another", async () => {
    const machine = (technique: string) =>
      JSON.stringify({ host: { pcpus: 1 }, technique, vms: [{ name: "A", program: "popf.asm" }] });
    write("one/popf.asm", "bits 32\n popfd\n");
    write("one/m.ringside.json", machine("vtx-ept"));
    for (const name of ["one/popf.asm", "one/m.ringside.json"]) changed(name, 1);
    const codes = async () => {
      const report = (await ask()).find(({ uri }) => uri.endsWith("popf.asm"));
      return report!.items!.map(({ code }) => code);
    };
    await expect.poll(codes).toEqual([]);
    write("one/m.ringside.json", machine("trap-and-emulate"));
    changed("one/m.ringside.json");
    await expect.poll(codes).toContain("sensitive-unprivileged");
    write("one/popf.asm", "%pragma ringside technique vtx-ept\nbits 32\n popfd\n");
    changed("one/popf.asm");
    await expect.poll(codes).toEqual([]);
  });

  it("follow files on disk, also included ones, and say where in them the trouble is", async () => {
    const first = await ask();
    write("one/lib.inc", "limit equ 5\n movv eax, 1\n");
    await changed("one/lib.inc");
    const [a, b] = await ask(first);
    expect([a!.kind, b!.kind]).toEqual(["full", "unchanged"]);
    const [problem] = a!.items!;
    expect(problem).toMatchObject({ code: "unknown-mnemonic", range: { start: { line: 1 } } });
    expect(problem!.relatedInformation![0]!.location).toMatchObject({
      uri: uriOf("one/lib.inc"),
      range: { start: { line: 1, character: 1 } },
    });
    expect(problem!.codeDescription!.href).toMatch(/^file:.*\/docs\/problems\.md$/);
    rmSync(join(root, "two/b.asm"));
    await changed("two/b.asm", 3);
    expect(short(await ask([a!, b!]))).toEqual([
      ["one/a.asm", "unchanged", undefined],
      ["two/b.asm", "full", ""],
    ]);
  });

  it("count what is typed and not saved, and what is on disk once it is closed", async () => {
    const first = await ask();
    await client.open(uriOf("one/lib.inc"), "limits equ 5\n");
    const typed = await ask(first);
    expect(short(typed)).toEqual([
      ["one/a.asm", "full", "undefined-symbol"],
      ["one/lib.inc", "full", ""],
      ["two/b.asm", "unchanged", undefined],
    ]);
    expect(typed[1]!.version).toBe(1);
    await client.close(uriOf("one/lib.inc"));
    expect(short(await ask(first)).slice(0, 1)).toEqual([["one/a.asm", "unchanged", undefined]]);
    // VS Code is asked to ask again.
    await expect.poll(() => client.asked.map(({ method }) => method)).toContain("workspace/diagnostic/refresh");
  });

  it("come piece by piece to a client that takes them so, and then when there is news", async () => {
    const known: Report[] = [];
    const pieces = () => client.progress.map((value) => (value as unknown as { items: Report[] }).items[0]!);
    const long = () =>
      client.request<{ items: Report[] }>("workspace/diagnostic", {
        partialResultToken: "pieces",
        previousResultIds: known.map(({ uri, resultId }) => ({ uri, value: resultId })),
      });
    expect((await long()).items).toEqual([]);
    expect(short(pieces()).sort()).toEqual([
      ["one/a.asm", "full", ""],
      ["two/b.asm", "full", "unknown-mnemonic"],
    ]);
    known.push(...pieces());
    const waiting = long();
    write("two/b.asm", "bits 32\n mov eax, 1\n");
    await changed("two/b.asm");
    expect((await waiting).items).toEqual([]);
    expect(short(pieces().slice(2))).toEqual([["two/b.asm", "full", ""]]);
  });

  it("are given up when the client does", async () => {
    const known = await ask();
    const source = new CancellationTokenSource();
    const waiting = client.request(
      "workspace/diagnostic",
      {
        partialResultToken: "pieces",
        previousResultIds: known.map(({ uri, resultId }) => ({ uri, value: resultId })),
      },
      source.token,
    );
    source.cancel();
    await expect(waiting).rejects.toMatchObject({ code: LSPErrorCodes.RequestCancelled });
  });

  it("leave folders out whose settings say so", async () => {
    client.folderSettings = { diagnoseWorkspace: false };
    await client.notify("workspace/didChangeConfiguration", { settings: null });
    await expect.poll(async () => short(await ask())).toEqual([]);
  });

  it("ask the client to tell of changed sources and settings", async () => {
    const registered = () =>
      client.asked
        .filter(({ method }) => method === "client/registerCapability")
        .flatMap(
          ({ params }) => (params as { registrations: { method: string; registerOptions: unknown }[] }).registrations,
        )
        .map(({ method, registerOptions }) => [method, registerOptions]);
    await expect.poll(registered).toEqual([
      ["workspace/didChangeWatchedFiles", { watchers: [{ globPattern: "**/*.{asm,nasm,inc,ringside.json}" }] }],
      ["workspace/didChangeConfiguration", { section: "ringside" }],
    ]);
  });
});
