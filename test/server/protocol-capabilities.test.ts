import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type CallHierarchyIncomingCall,
  type CallHierarchyItem,
  CancellationTokenSource,
  type CodeAction,
  type CodeLens,
  type CompletionItem,
  type CompletionList,
  type Diagnostic,
  type DocumentHighlight,
  type DocumentLink,
  type DocumentSymbol,
  type FoldingRange,
  type Hover,
  type InlayHint,
  type InlineValue,
  type Location,
  LSPErrorCodes,
  type Range,
  type SelectionRange,
  type SemanticTokens,
  type SemanticTokensDelta,
  type SignatureHelp,
  type TextEdit,
  type WorkspaceEdit,
} from "vscode-languageserver";
import { capabilities, pullDiagnostics } from "../../server/capabilities.ts";
import { measured } from "../../server/protocol.ts";
import { LspClient } from "../support/lsp-client.ts";

const text = `        bits 32
LIMIT   equ 5
; Increments twice.
%macro  twice 1
        inc %1
        inc %1
%endmacro
start:  mov eax, LIMIT
        twice eax
        call print
.wait:  out 20h, al
        loop .wait
        jmp start
%include "lib.inc"
`;

/** The features by their names, those inside of others behind a point. */
const names = (declared: object, of = ""): string[] =>
  Object.entries(declared).flatMap(([name, value]) => {
    const isGroup = typeof value === "object" && value !== null && !Array.isArray(value);
    const inner = isGroup && !/legend$/.test(name) ? names(value, `${of}${name}.`) : [];
    return inner.length > 0 ? inner : [of + name];
  });

/** One behaviour of the shipped server for each capability that it declares. */
describe("every declared capability of the language server is real", () => {
  const folder = mkdtempSync(join(tmpdir(), "ringside-capabilities-"));
  const uriOf = (name: string) => pathToFileURL(join(folder, name)).href;
  const main = uriOf("main.asm");
  const client = new LspClient();
  const lines = text.split("\n");
  let scratch = 0;

  beforeAll(async () => {
    writeFileSync(join(folder, "lib.inc"), "print:  ret\n");
    writeFileSync(join(folder, "alone.asm"), "alone:  ret\n");
    await client.start({
      workspaceFolders: [{ uri: pathToFileURL(folder).href, name: "guests" }],
      trace: "verbose",
      capabilities: {
        window: { workDoneProgress: true },
        workspace: {
          workspaceFolders: true,
          configuration: true,
          diagnostics: { refreshSupport: true },
          inlayHint: { refreshSupport: true },
          codeLens: { refreshSupport: true },
        },
        textDocument: { diagnostic: {} },
      },
    });
    await client.open(main, text);
  }, 60_000);

  afterAll(() => {
    client.stop();
    rmSync(folder, { recursive: true });
  });

  /** The place `behind` characters after a text; of several the first. */
  function at(wanted: string, behind = 0) {
    const line = lines.findIndex((one) => one.includes(wanted));
    return { line, character: lines[line]!.indexOf(wanted) + behind };
  }
  const lineOf = (wanted: string) => at(wanted).line;
  const inMain = { textDocument: { uri: main } };
  const ask = <R>(method: string, wanted: string, behind = 0, more: object = {}): Promise<R> =>
    client.request<R>(`textDocument/${method}`, { ...inMain, position: at(wanted, behind), ...more });
  const about = <R>(method: string, more: object = {}): Promise<R> =>
    client.request<R>(`textDocument/${method}`, { ...inMain, ...more });
  const whole = { start: { line: 0, character: 0 }, end: { line: lines.length, character: 0 } };
  const starts = (ranges: readonly { readonly range: Range }[]) => ranges.map(({ range }) => range.start.line);

  async function opened(source: string): Promise<string> {
    const uri = uriOf(`scratch${scratch++}.asm`);
    await client.open(uri, source);
    return uri;
  }
  const said = async (uri: string) =>
    (await client.request<{ items: Diagnostic[] }>("textDocument/diagnostic", { textDocument: { uri } })).items;

  const behaviours: Readonly<Record<string, () => Promise<void>>> = {
    async textDocumentSync() {
      const uri = await opened("bits 32\nmovv eax, 1\n");
      expect((await said(uri)).map(({ code }) => code)).toEqual(["unknown-mnemonic"]);
      await client.change(uri, 1, 0, 4, "mov");
      expect(await said(uri)).toEqual([]);
    },

    async hoverProvider() {
      const { contents } = await ask<Hover>("hover", "mov eax");
      expect((contents as { value: string }).value).toMatch(/mov/i);
      const symbol = await ask<Hover>("hover", "LIMIT\n".trim(), 1);
      expect((symbol.contents as { value: string }).value).toContain("**LIMIT** = `5h`");
    },

    async "completionProvider.triggerCharacters"() {
      const uri = await opened('        bits 32\nstart:\n.inner: call .\n%\n%include "\n        mov eax,\n');
      const labels = async (line: number, character: number) => {
        const found = await client.request<CompletionList | CompletionItem[]>("textDocument/completion", {
          textDocument: { uri },
          position: { line, character },
        });
        return ("items" in found ? found.items : found).map(({ label }) => label);
      };
      expect(await labels(2, 14)).toContain(".inner");
      expect(await labels(3, 1)).toContain("%macro");
      expect(await labels(4, 10)).toContain("lib.inc");
      const registers = await labels(5, 16);
      expect(registers).toContain("ebx");
      expect(registers).not.toContain("bl");
    },

    async "completionProvider.resolveProvider"() {
      const found = await ask<CompletionList | CompletionItem[]>("completion", "inc %1", 3);
      const item = ("items" in found ? found.items : found).find(({ label }) => label === "inc")!;
      const resolved = await client.request<CompletionItem>("completionItem/resolve", item);
      expect(JSON.stringify(resolved.documentation)).toMatch(/inc/i);
    },

    async "signatureHelpProvider.triggerCharacters"() {
      const help = await ask<SignatureHelp>("signatureHelp", "eax, LIMIT", 5);
      expect(help.activeParameter).toBe(1);
      const macro = await ask<SignatureHelp>("signatureHelp", "twice eax", 6);
      expect(JSON.stringify(macro)).toContain("Increments twice.");
    },

    async "semanticTokensProvider.legend"() {
      const { data } = await about<SemanticTokens>("semanticTokens/full");
      const { legend } = capabilities.semanticTokensProvider;
      const types = new Set(data.filter((_, n) => n % 5 === 3).map((type) => legend.tokenTypes[type]));
      expect(types).not.toContain(undefined);
      expect(types.size).toBeGreaterThan(3);
    },

    async "semanticTokensProvider.full.delta"() {
      const uri = await opened("        bits 32\n        nop\n        hlt\n");
      const textDocument = { uri };
      const full = await client.request<SemanticTokens>("textDocument/semanticTokens/full", { textDocument });
      await client.change(uri, 1, 8, 11, "cli");
      const delta = await client.request<SemanticTokensDelta>("textDocument/semanticTokens/full/delta", {
        textDocument,
        previousResultId: full.resultId,
      });
      const data = [...full.data];
      for (const { start, deleteCount, data: put } of delta.edits) data.splice(start, deleteCount, ...(put ?? []));
      const again = await client.request<SemanticTokens>("textDocument/semanticTokens/full", { textDocument });
      expect(data).toEqual(again.data);
    },

    async "semanticTokensProvider.range"() {
      const range = { start: { line: 7, character: 0 }, end: { line: 8, character: 0 } };
      const { data } = await about<SemanticTokens>("semanticTokens/range", { range });
      const full = await about<SemanticTokens>("semanticTokens/full");
      expect(data.length).toBeGreaterThan(0);
      expect(data.length).toBeLessThan(full.data.length);
    },

    async definitionProvider() {
      const found = await ask<Location | Location[]>("definition", "call print", 6);
      expect([found].flat()[0]!.uri).toBe(uriOf("lib.inc"));
    },

    async declarationProvider() {
      const found = await ask<Location | Location[]>("declaration", "twice eax", 1);
      expect(starts([found].flat())).toEqual([lineOf("%macro")]);
    },

    async referencesProvider() {
      const found = await ask<Location[]>("references", "start:", 1, { context: { includeDeclaration: true } });
      expect(starts(found).sort((a, b) => a - b)).toEqual([lineOf("start:"), lineOf("jmp start")]);
    },

    async documentHighlightProvider() {
      const found = await ask<DocumentHighlight[]>("documentHighlight", "LIMIT");
      expect(starts(found)).toEqual([1, lineOf("mov eax")]);
    },

    async documentSymbolProvider() {
      const found = await about<DocumentSymbol[]>("documentSymbol");
      const start = found.find(({ name }) => name === "start");
      expect(start!.children!.map(({ name }) => name)).toEqual([".wait"]);
    },

    async workspaceSymbolProvider() {
      const found = await client.request<{ name: string }[]>("workspace/symbol", { query: "prnt" });
      expect(found.map(({ name }) => name)).toEqual(["print"]);
    },

    async documentLinkProvider() {
      const [link] = await about<DocumentLink[]>("documentLink");
      expect(link).toMatchObject({ target: uriOf("lib.inc"), range: { start: { line: lineOf("%include") } } });
    },

    async foldingRangeProvider() {
      const found = await about<FoldingRange[]>("foldingRange");
      expect(found).toContainEqual(expect.objectContaining({ startLine: lineOf("%macro") }));
    },

    async selectionRangeProvider() {
      const [found] = await about<SelectionRange[]>("selectionRange", { positions: [at("LIMIT\n".trim(), 1)] });
      const widths: number[] = [];
      for (let one: SelectionRange | undefined = found; one; one = one.parent)
        widths.push((one.range.end.line - one.range.start.line) * 1000 + one.range.end.character);
      expect(widths.length).toBeGreaterThan(2);
      expect(widths).toEqual([...widths].sort((a, b) => a - b));
    },

    async "codeActionProvider.codeActionKinds"() {
      const uri = await opened("bits 32\nmovv eax, 1\n");
      const actions = (only?: string) =>
        client.request<CodeAction[]>("textDocument/codeAction", {
          textDocument: { uri },
          range: whole,
          context: { diagnostics: [], ...(only && { only: [only] }) },
        });
      expect((await actions("quickfix")).map(({ kind, title }) => [kind, title])).toEqual([
        ["quickfix", "Change to “mov”"],
      ]);
      const [all] = await actions("source.fixAll");
      expect(all!.edit!.changes![uri]).toHaveLength(1);
    },

    async codeLensProvider() {
      const found = await about<CodeLens[]>("codeLens");
      const titles = found.map(({ command }) => command!.title);
      expect(titles).toContain("1 reference");
      expect(titles.some((title) => title.startsWith("Loop 1 of 2 by exits"))).toBe(true);
    },

    async inlayHintProvider() {
      client.settings = { exitHints: true };
      await client.notify("workspace/didChangeConfiguration", { settings: null });
      const labels = async () => (await about<InlayHint[]>("inlayHint", { range: whole })).map(({ label }) => label);
      await expect.poll(labels).toEqual(["IO_INSTRUCTION 789"]);
      const reasons = [{ reason: "IO_INSTRUCTION", count: 2, cycles: 2000 }];
      await client.notify(measured, {
        ...{ program: main, technique: "vtx-ept", costs: "Haswell-2013", cycles: 1e6, dropped: 0 },
        lines: [{ uri: main, line: lineOf("out 20h"), text: lines[lineOf("out 20h")], reasons }],
      });
      await expect.poll(labels).toEqual(["IO_INSTRUCTION 789 · 2 ×, 1,000 each"]);
      await expect
        .poll(() => client.asked.map(({ method }) => method))
        .toEqual(expect.arrayContaining(["workspace/inlayHint/refresh", "workspace/codeLens/refresh"]));
    },

    async inlineValueProvider() {
      const line = lineOf("mov eax");
      const stopped = { start: { line, character: 0 }, end: { line, character: 0 } };
      const found = await about<InlineValue[]>("inlineValue", {
        range: whole,
        context: { frameId: 1, stoppedLocation: stopped },
      });
      expect(found.map((one) => "expression" in one && one.expression)).toEqual(["start", "eax", "LIMIT"]);
    },

    async callHierarchyProvider() {
      const [item] = await ask<CallHierarchyItem[]>("prepareCallHierarchy", "call print", 6);
      expect(item!.name).toBe("print");
      const incoming = await client.request<CallHierarchyIncomingCall[]>("callHierarchy/incomingCalls", { item });
      expect(incoming.map(({ from }) => from.name)).toEqual(["start"]);
      const outgoing = await client.request<{ to: CallHierarchyItem }[]>("callHierarchy/outgoingCalls", {
        item: incoming[0]!.from,
      });
      expect(outgoing.map(({ to }) => to.name)).toContain("print");
    },

    async documentFormattingProvider() {
      const textDocument = { uri: await opened("bits 32\nmov   eax,1;x\n") };
      const options = { tabSize: 8, insertSpaces: true };
      const edits = await client.request<TextEdit[]>("textDocument/formatting", { textDocument, options });
      expect(edits.map(({ newText }) => newText).join("|")).toContain("mov eax, 1");
    },

    async documentRangeFormattingProvider() {
      const textDocument = { uri: await opened("bits 32\nmov   eax,1\nmov   ebx,1\n") };
      const range = { start: { line: 2, character: 0 }, end: { line: 3, character: 0 } };
      const options = { tabSize: 8, insertSpaces: true };
      const edits = await client.request<TextEdit[]>("textDocument/rangeFormatting", { textDocument, range, options });
      expect(new Set(starts(edits))).toEqual(new Set([2]));
    },

    async "documentOnTypeFormattingProvider.firstTriggerCharacter"() {
      const textDocument = { uri: await opened("bits 32\nmov   eax,1\n\n") };
      const edits = await client.request<TextEdit[]>("textDocument/onTypeFormatting", {
        textDocument,
        ...{ position: { line: 2, character: 0 }, ch: "\n", options: { tabSize: 8, insertSpaces: true } },
      });
      expect(new Set(starts(edits))).toEqual(new Set([1, 2]));
      expect(edits.map(({ newText }) => newText).join("|")).toContain("mov eax, 1");
    },

    async "renameProvider.prepareProvider"() {
      const range = await ask<Range | { range: Range }>("prepareRename", "call print", 6);
      expect(("range" in range ? range.range : range).start).toEqual(at("print"));
      await expect(ask("prepareRename", "bits 32", 1)).rejects.toThrow();
      const edit = await ask<WorkspaceEdit>("rename", "call print", 6, { newName: "show" });
      expect(Object.keys(edit.changes!).sort()).toEqual([uriOf("lib.inc"), main].sort());
    },

    async "workspace.workspaceFolders.supported"() {
      const found = await client.request<{ location: Location }[]>("workspace/symbol", { query: "alone" });
      expect(found.map(({ location }) => location.uri)).toEqual([uriOf("alone.asm")]);
    },

    async "workspace.workspaceFolders.changeNotifications"() {
      const other = mkdtempSync(join(tmpdir(), "ringside-other-"));
      writeFileSync(join(other, "other.asm"), "elsewhere: ret\n");
      const event = { added: [{ uri: pathToFileURL(other).href, name: "other" }], removed: [] };
      const find = async () =>
        (await client.request<{ name: string }[]>("workspace/symbol", { query: "elsewhere" })).length;
      expect(await find()).toBe(0);
      await client.notify("workspace/didChangeWorkspaceFolders", { event });
      await expect.poll(find).toBe(1);
      await client.notify("workspace/didChangeWorkspaceFolders", { event: { added: [], removed: event.added } });
      await expect.poll(find).toBe(0);
      rmSync(other, { recursive: true });
    },

    async "workspace.textDocumentContent.schemes"() {
      for (const [scheme, shown] of [
        ["ringside-listing", "B805000000"],
        ["ringside-preprocessed", "inc eax"],
        ["ringside-disassembly", "mov eax,"],
      ])
        expect(
          await client.request("workspace/textDocumentContent", {
            uri: `${scheme}:main.asm?${encodeURIComponent(main)}`,
          }),
        ).toMatchObject({ text: expect.stringContaining(shown!) });
    },

    async "diagnosticProvider.identifier"() {
      expect((await said(main)).every(({ source }) => source === "ringside")).toBe(true);
    },

    async "diagnosticProvider.interFileDependencies"() {
      const library = await opened("value equ 5\n");
      const uri = await opened(`mov al, value\n%include "${library.split("/").at(-1)}"\n`);
      expect(await said(uri)).toEqual([]);
      await client.replace(library, "other equ 5\n");
      expect((await said(uri)).map(({ code }) => code)).toEqual(["undefined-symbol"]);
    },

    async "diagnosticProvider.workspaceDiagnostics"() {
      const { items } = await client.request<{ items: { uri: string }[] }>("workspace/diagnostic", {
        previousResultIds: [],
      });
      expect(items.map(({ uri }) => uri)).toContain(main);
    },
  };

  it.each(Object.entries(behaviours))("%s", (_, behaviour) => behaviour());

  it("and each has a behaviour", () =>
    expect(names({ ...capabilities, ...pullDiagnostics }).sort()).toEqual(Object.keys(behaviours).sort()));

  it("a request that nobody waits for any more ends with the error for that, and the next is answered", async () => {
    const long = await opened(Array.from({ length: 20_000 }, (_, n) => `l${n}: mov ax, [bx+${n}]`).join("\n"));
    const source = new CancellationTokenSource();
    const params = { textDocument: { uri: long }, position: { line: 1, character: 1 } };
    const given = client.request("textDocument/hover", params, source.token);
    source.cancel();
    await expect(given).rejects.toMatchObject({ code: LSPErrorCodes.RequestCancelled });
    expect(await client.request("textDocument/hover", params)).not.toBeNull();
  });

  it("a client that wants a trace is told what analyses were made", async () => {
    const uri = await opened("bits 32\nnop\n");
    await said(uri);
    await client.change(uri, 1, 0, 3, "cli");
    await said(uri);
    const own = () => client.traced.filter((one) => one.startsWith(uri.split("/").at(-1)!));
    await expect
      .poll(own)
      .toEqual([
        expect.stringContaining("assembled from the beginning"),
        expect.stringContaining("the edit was followed"),
      ]);
  });
});
