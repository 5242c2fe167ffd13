import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createProtocolConnection,
  type ProtocolConnection,
  StreamMessageReader,
  StreamMessageWriter,
} from "vscode-languageserver/node";
import { capabilities as declared } from "../../server/capabilities.ts";
import { chooseTechnique, techniqueInForce } from "../../server/protocol.ts";

const root = join(import.meta.dirname, "..", "..");
const uri = "file:///guest/main.asm";

interface Published {
  readonly uri: string;
  readonly version: number;
  readonly diagnostics: readonly {
    readonly code: string;
    readonly range: { readonly start: { readonly line: number } };
  }[];
}

/** The shipped language server as any editor runs it: a process that speaks LSP over stdio. */
describe("the language server over stdio", () => {
  let server: ChildProcess;
  let connection: ProtocolConnection;
  const published: Published[] = [];
  const techniques: { technique: string }[] = [];

  async function publishedAfter(count: number): Promise<Published> {
    while (published.length <= count) await new Promise((later) => setTimeout(later, 5));
    return published[count]!;
  }

  beforeAll(async () => {
    server = spawn(process.execPath, [join(root, "dist", "server.cjs"), "--stdio"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    connection = createProtocolConnection(
      new StreamMessageReader(server.stdout!),
      new StreamMessageWriter(server.stdin!),
    );
    connection.onNotification("textDocument/publishDiagnostics", (params: Published) => void published.push(params));
    connection.onNotification(techniqueInForce, (params: { technique: string }) => void techniques.push(params));
    connection.listen();
  }, 60_000);

  afterAll(() => {
    connection?.dispose();
    server?.kill();
  });

  it("initializes with the features it has", async () => {
    const { capabilities } = await connection.sendRequest<{ capabilities: Record<string, unknown> }>("initialize", {
      processId: null,
      rootUri: null,
      capabilities: {},
    });
    expect(Object.keys(capabilities).sort()).toEqual(Object.keys(declared).sort());
    await connection.sendNotification("initialized", {});
  });

  it("publishes problems as one types, each version once", async () => {
    const textDocument = { uri, languageId: "ringside", version: 1, text: "bits 32\nsgdt [0]\n" };
    await connection.sendNotification("textDocument/didOpen", { textDocument });
    const first = await publishedAfter(0);
    expect(first.diagnostics.map((d) => [d.code, d.range.start.line])).toEqual([["sensitive-unprivileged", 1]]);
    await connection.sendNotification("textDocument/didChange", {
      textDocument: { uri, version: 2 },
      contentChanges: [{ range: { start: { line: 1, character: 0 }, end: { line: 1, character: 4 } }, text: "sgdtt" }],
    });
    const second = await publishedAfter(1);
    expect([second.version, second.diagnostics.map((d) => d.code)]).toEqual([2, ["unknown-mnemonic"]]);
  });

  it("follows the technique chosen in the editor", async () => {
    const before = published.length;
    await connection.sendNotification("textDocument/didChange", {
      textDocument: { uri, version: 3 },
      contentChanges: [{ text: "bits 32\nsgdt [0]\n" }],
    });
    expect((await publishedAfter(before)).diagnostics).toHaveLength(1);
    await connection.sendNotification(chooseTechnique, { uri, technique: "vtx-ept" });
    expect((await publishedAfter(before + 1)).diagnostics).toEqual([]);
    expect(techniques.at(-1)?.technique).toBe("vtx-ept");
  });

  it("shows an include that is a folder, or lies below a file, where it is written, and goes on", async () => {
    const before = published.length;
    const folder = pathToFileURL(import.meta.dirname).href;
    const text = `%include "${folder}"\n%include "${pathToFileURL(import.meta.filename).href}/x"\nhlt\n`;
    await connection.sendNotification("textDocument/didChange", {
      textDocument: { uri, version: 4 },
      contentChanges: [{ text }],
    });
    expect((await publishedAfter(before)).diagnostics.map((d) => [d.code, d.range.start.line])).toEqual([
      ["unreadable-file", 0],
      ["missing-file", 1],
    ]);
    await connection.sendNotification("textDocument/didChange", {
      textDocument: { uri, version: 5 },
      contentChanges: [{ text: "bits 32\nsgdt [0]\n" }],
    });
    expect((await publishedAfter(before + 1)).diagnostics).toEqual([]);
  });

  it("looks at a document again when a file that it includes is opened, changed or closed", async () => {
    const library = "file:///guest/library.inc";
    const open = (at: string, text: string) =>
      connection.sendNotification("textDocument/didOpen", {
        textDocument: { uri: at, languageId: "ringside", version: 1, text },
      });
    const main = "file:///guest/includes.asm";
    const codes = (at: string) =>
      published
        .filter((one) => one.uri === at)
        .at(-1)
        ?.diagnostics.map((d) => d.code);
    const before = published.length;
    await open(main, '%include "library.inc"\nmov al, limit\n');
    await publishedAfter(before);
    expect(codes(main)).toEqual(["missing-file", "undefined-symbol"]);
    await open(library, "limit equ 5\n");
    await publishedAfter(before + 2);
    expect([codes(main), codes(library)]).toEqual([[], []]);
    await connection.sendNotification("textDocument/didChange", {
      textDocument: { uri: library, version: 2 },
      contentChanges: [{ text: "limits equ 5\n" }],
    });
    await publishedAfter(before + 4);
    expect(codes(main)).toEqual(["undefined-symbol"]);
    await connection.sendNotification("textDocument/didClose", { textDocument: { uri: library } });
    await publishedAfter(before + 6);
    expect(codes(main)).toEqual(["missing-file", "undefined-symbol"]);
  });

  it("answers about a document and about none", async () => {
    const hover = (line: number, at = uri) =>
      connection.sendRequest("textDocument/hover", { textDocument: { uri: at }, position: { line, character: 1 } });
    expect(JSON.stringify(await hover(1))).toContain("SGDT");
    expect(await hover(1, "file:///never/opened.asm")).toBeNull();
  });
});
