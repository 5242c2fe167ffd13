import { spawn } from "node:child_process";
import { join } from "node:path";
import { createContext, runInContext } from "node:vm";
import type { DebugProtocol as P } from "@vscode/debugprotocol";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import type { FromHost, FromWorker } from "../../debug-adapter/worker-protocol.ts";
import { bundles } from "../../esbuild.ts";
import { bytesOf } from "../support/dap-client.ts";

const folder = join(import.meta.dirname, "..", "..");
const guest = '%include "more.inc"\n';
const more = "        org 7C00h\n        mov al, 'R'\n        out 0E9h, al\n        cli\n        hlt\n";

/** The requests of a short session, and what they wait for. */
const script: readonly (readonly [command: string, args: object, awaited: string])[] = [
  ["initialize", { adapterID: "ringside", pathFormat: "path" }, "initialize"],
  ["launch", { program: "PROGRAM", technique: "vtx-ept" }, "initialized"],
  ["configurationDone", {}, "stopped"],
  ["continue", { threadId: 1 }, "stopped"],
  ["stepBack", { threadId: 1 }, "stopped"],
  ["disconnect", {}, "disconnect"],
];

type Said = P.Response | P.Event;

/** Plays the script; `receive` is to be called with all that the adapter says. */
function play(program: string, send: (request: P.Request) => void) {
  const heard: Said[] = [];
  let notify = () => {};
  const until = async (name: string, from: number) => {
    while (
      !heard.slice(from).some((m) => (m.type === "event" ? (m as P.Event).event : (m as P.Response).command) === name)
    )
      await new Promise<void>((resolve) => {
        notify = resolve;
      });
  };
  const receive = (message: Said) => {
    heard.push(message);
    notify();
  };
  const run = async () => {
    for (const [seq, [command, args, awaited]] of script.entries()) {
      const from = heard.length;
      const text = JSON.stringify(args).replace("PROGRAM", program);
      send({ seq: seq + 1, type: "request", command, arguments: JSON.parse(text) });
      await until(awaited, from);
    }
    return heard;
  };
  return { receive, run };
}

function expectTheSession(heard: readonly Said[]): void {
  const responses = heard.filter((m): m is P.Response => m.type === "response");
  expect(responses.map(({ command, success }) => [command, success])).toEqual(
    script.map(([command]) => [command, true]),
  );
  const events = heard.filter((m): m is P.Event => m.type === "event");
  expect(events.filter(({ event }) => event === "stopped").map(({ body }) => body.description ?? body.reason)).toEqual([
    "Before the first instruction",
    "Halted",
    "In the past, 2 steps back",
  ]);
  expect(events.filter(({ body }) => body?.category === "stdout").map(({ body }) => body.output)).toEqual(["R"]);
}

describe("the debug adapter lives", () => {
  it("in a process, over stdin and stdout", async () => {
    const adapter = spawn(process.execPath, [join(folder, "debug-adapter", "main-stdio.ts")], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const program = join(import.meta.dirname, "guests", "hosted.asm");
    const { receive, run } = play(program, (request) => {
      const text = JSON.stringify(request);
      adapter.stdin.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
    });
    let rest = "";
    adapter.stdout.setEncoding("utf8").on("data", (data: string) => {
      rest += data;
      for (
        let match = /Content-Length: (\d+)\r\n\r\n/.exec(rest);
        match;
        match = /Content-Length: (\d+)\r\n\r\n/.exec(rest)
      ) {
        const start = match.index + match[0].length;
        const bytes = Buffer.from(rest.slice(start));
        const length = Number(match[1]);
        if (bytes.length < length) break;
        receive(JSON.parse(bytes.subarray(0, length).toString()));
        rest = bytes.subarray(length).toString();
      }
    });
    const exited = new Promise((resolve) => adapter.on("exit", resolve));
    expectTheSession(await run());
    expect(await exited).toBe(0);
  });

  it("in a web worker, which has nothing of Node", async () => {
    const options = bundles.find(({ entryPoints = {} }) => "adapter-worker" in entryPoints);
    const { outputFiles, metafile } = await build({
      ...options,
      bundle: true,
      write: false,
      metafile: true,
      absWorkingDir: folder,
      outdir: "dist",
    });
    const inputs = Object.keys(metafile!.inputs);
    expect(inputs.filter((name) => /debugadapter\/lib\/(internalLogger|runDebugAdapter)\.js$/.test(name))).toEqual([]);
    expect(inputs.filter((name) => name.includes("node:"))).toEqual([]);

    const scope: { onmessage?: (event: { data: FromHost }) => void } & Record<string, unknown> = {};
    const post = (data: FromHost) => scope.onmessage?.({ data: structuredClone(data) });
    const { receive, run } = play("memfs:/guests/hosted.asm", (message) => post({ kind: "protocol", message }));
    const files: Record<string, string> = { "memfs:/guests/hosted.asm": guest, "memfs:/guests/more.inc": more };
    scope["postMessage"] = (data: FromWorker) => {
      const said = structuredClone(data);
      // Messages arrive later, never within the call that sends them.
      if (said.kind === "protocol") setImmediate(() => receive(said.message as Said));
      else if (said.kind === "read") setImmediate(() => answer(said.id, files[said.uri]));
    };
    Object.assign(scope, { MessageChannel, console, setTimeout, clearTimeout });
    const context = createContext(scope);
    // A message's arrays belong to the realm that receives it.
    const inside = runInContext("Uint8Array", context) as typeof Uint8Array;
    const answer = (id: number, text: string | undefined) =>
      scope.onmessage?.({ data: { kind: "file", id, bytes: inside.from(bytesOf(text)!) } });
    runInContext(outputFiles![0]!.text, context);
    expectTheSession(await run());
  });
});
