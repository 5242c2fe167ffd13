import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SemanticTokens, SemanticTokensDelta, WorkspaceEdit } from "vscode-languageserver";
import { LspClient } from "../support/lsp-client.ts";

/** The shipped server, asked by a client that can do what VS Code can. */
describe("the language server with a client of LSP 3.18", () => {
  const folder = mkdtempSync(join(tmpdir(), "ringside-lsp-"));
  const uriOf = (name: string) => pathToFileURL(join(folder, name)).href;
  const client = new LspClient();

  beforeAll(async () => {
    writeFileSync(join(folder, "lib.inc"), "print: ret\n");
    writeFileSync(join(folder, "other.asm"), 'call print\n%include "lib.inc"\n');
    await client.start({
      workspaceFolders: [{ uri: pathToFileURL(folder).href, name: "guests" }],
      capabilities: {
        window: { workDoneProgress: true },
        workspace: { workspaceFolders: true, configuration: true, diagnostics: { refreshSupport: true } },
        textDocument: { diagnostic: {} },
      },
    });
  }, 60_000);

  afterAll(() => {
    client.stop();
    rmSync(folder, { recursive: true });
  });

  const main = uriOf("main.asm");
  const at = (line: number, character: number, uri = main) => ({
    textDocument: { uri },
    position: { line, character },
  });

  it("is asked for diagnostics, and says when nothing changed", async () => {
    expect(client.capabilities).toHaveProperty("diagnosticProvider");
    await client.open(main, 'bits 32\nstart: movv eax, 1\n%include "lib.inc"\ncall print\n');
    const ask = (previousResultId?: string) =>
      client.request<{ kind: string; resultId: string; items: { code: string }[] }>("textDocument/diagnostic", {
        textDocument: { uri: main },
        ...(previousResultId !== undefined && { previousResultId }),
      });
    const first = await ask();
    expect(first.items.map(({ code }) => code)).toEqual(["unknown-mnemonic"]);
    expect((await ask(first.resultId)).kind).toBe("unchanged");
    expect(client.published).toEqual([]);
  });

  it("offers the fix, and all fixes at once", async () => {
    const range = { start: { line: 1, character: 0 }, end: { line: 1, character: 20 } };
    const actions = (only?: string[]) =>
      client.request<{ title: string }[]>("textDocument/codeAction", {
        textDocument: { uri: main },
        range,
        context: { diagnostics: [], ...(only && { only }) },
      });
    expect((await actions()).map(({ title }) => title)).toEqual(["Change to “mov”"]);
    expect((await actions(["source.fixAll"])).map(({ title }) => title)).toEqual([
      "Solve all problems with one way out",
    ]);
  });

  it("renames across files that are not open, and says why it does not", async () => {
    await client.open(uriOf("lib.inc"), "print: ret\n");
    const edit = await client.request<WorkspaceEdit>("textDocument/rename", {
      ...at(0, 2, uriOf("lib.inc")),
      newName: "show",
    });
    expect(Object.keys(edit.changes!).sort()).toEqual([uriOf("lib.inc"), main, uriOf("other.asm")].sort());
    await expect(
      client.request("textDocument/rename", { ...at(0, 2, uriOf("lib.inc")), newName: "eax" }),
    ).rejects.toThrow("is a word of the assembler");
  });

  it("finds references and symbols in the whole workspace", async () => {
    const found = await client.request<{ uri: string }[]>("textDocument/references", {
      ...at(0, 2, uriOf("lib.inc")),
      context: { includeDeclaration: false },
    });
    expect(found.map(({ uri }) => uri).sort()).toEqual([main, uriOf("other.asm")].sort());
    const symbols = await client.request<{ name: string }[]>("workspace/symbol", { query: "pri" });
    expect(symbols.map(({ name }) => name)).toEqual(["print"]);
  });

  it("sends what changed of the semantic tokens", async () => {
    const textDocument = { uri: main };
    const full = await client.request<SemanticTokens>("textDocument/semanticTokens/full", { textDocument });
    await client.change(main, 1, 7, 11, "mov");
    const delta = await client.request<SemanticTokensDelta>("textDocument/semanticTokens/full/delta", {
      textDocument,
      previousResultId: full.resultId,
    });
    expect(delta.edits).toHaveLength(1);
    expect(delta.edits[0]!.data!.length).toBeLessThan(full.data.length);
  });

  it("follows settings", async () => {
    const hints = () =>
      client.request<{ label: string }[]>("textDocument/inlayHint", {
        textDocument: { uri: main },
        range: { start: { line: 0, character: 0 }, end: { line: 9, character: 0 } },
      });
    expect(await hints()).toEqual([]);
    client.settings = { encodingHints: true };
    await client.notify("workspace/didChangeConfiguration", { settings: null });
    await expect.poll(async () => (await hints()).map(({ label }) => label)).toContain("0000: B8 01 00 00 00");
  });

  it("lets a folder have its own", async () => {
    client.folderSettings = { technique: "trap-and-emulate" };
    client.settings = { encodingHints: true, technique: "bare-metal" };
    await client.notify("workspace/didChangeConfiguration", { settings: null });
    const inFolder = async () =>
      (await client.request<{ contents: { value: string } }>("textDocument/hover", at(4, 1))).contents.value;
    await client.change(main, 4, 0, 0, "sgdt [eax]\n");
    await expect.poll(inFolder).toContain("trap and emulate");
    await client.change(main, 4, 0, 10, "");
  });

  it("makes documents of programs", async () => {
    const text = async (kind: string) =>
      (
        await client.request<{ text: string }>("workspace/textDocumentContent", {
          uri: `${kind}:main.asm?${encodeURIComponent(main)}`,
        })
      ).text;
    expect(await text("ringside-listing")).toContain("B801000000");
    expect(await text("ringside-preprocessed")).toContain("print: ret");
    expect(await text("ringside-disassembly")).toContain("mov eax,");
  });

  it.each([
    ["textDocument/definition", at(3, 7)],
    ["textDocument/declaration", at(2, 12)],
    ["textDocument/documentHighlight", at(3, 7)],
    ["textDocument/documentLink", { textDocument: { uri: main } }],
    ["textDocument/foldingRange", { textDocument: { uri: main } }],
    ["textDocument/selectionRange", { textDocument: { uri: main }, positions: [{ line: 1, character: 8 }] }],
    ["textDocument/prepareRename", at(3, 7)],
    ["textDocument/completion", at(3, 8)],
    ["textDocument/signatureHelp", at(1, 11)],
    ["textDocument/codeLens", { textDocument: { uri: main } }],
    ["textDocument/prepareCallHierarchy", at(3, 7)],
    ["textDocument/formatting", { textDocument: { uri: main }, options: { tabSize: 8, insertSpaces: true } }],
    [
      "textDocument/inlineValue",
      {
        textDocument: { uri: main },
        range: { start: { line: 0, character: 0 }, end: { line: 3, character: 0 } },
        context: { frameId: 1, stoppedLocation: { start: { line: 1, character: 0 }, end: { line: 1, character: 0 } } },
      },
    ],
  ])("answers %s", async (method, params) => {
    const answer = await client.request<unknown>(method, params);
    expect(answer).not.toBeNull();
    if (Array.isArray(answer) && method !== "textDocument/foldingRange") expect(answer).not.toEqual([]);
  });

  it("answers about the last version where one types while a long program is analysed, and tells of it", async () => {
    const long = uriOf("long.asm");
    const text = Array.from({ length: 25_000 }, (_, n) => `label${n}: mov ax, [bx+${n}]`).join("\n");
    await client.open(long, text);
    const given = client.request<{ items: { code: string }[] }>("textDocument/diagnostic", {
      textDocument: { uri: long },
    });
    await client.replace(long, "movv ax, 1\n");
    const last = await client.request<{ items: { code: string }[] }>("textDocument/diagnostic", {
      textDocument: { uri: long },
    });
    expect(last.items.map(({ code }) => code)).toEqual(["unknown-mnemonic"]);
    expect((await given).items.map(({ code }) => code)).toEqual(["unknown-mnemonic"]);
    await client.replace(long, text);
    await client.request("textDocument/diagnostic", { textDocument: { uri: long } });
    expect(client.progress.map(({ kind }) => kind).slice(-2)).toEqual(["begin", "end"]);
  });

  it("takes folders in and out", async () => {
    const gone = { uri: pathToFileURL(folder).href, name: "guests" };
    await client.notify("workspace/didChangeWorkspaceFolders", { event: { added: [], removed: [gone] } });
    await expect
      .poll(async () => {
        const edit = await client.request<WorkspaceEdit>("textDocument/rename", {
          ...at(0, 2, uriOf("lib.inc")),
          newName: "show",
        });
        return Object.keys(edit.changes!).includes(uriOf("other.asm"));
      })
      .toBe(false);
  });
});
