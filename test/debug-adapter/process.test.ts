import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { endless, guest } from "./guest.ts";

const adapter = join(import.meta.dirname, "../../debug-adapter/main-stdio.ts");
const folder = mkdtempSync(join(tmpdir(), "ringside-"));
const running: ChildProcess[] = [];

afterAll(() => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

/** The adapter as a process, and what it says. */
function started() {
  const child = spawn(process.execPath, [adapter], { stdio: ["pipe", "pipe", "inherit"] });
  running.push(child);
  let heard = "";
  let notify = () => {};
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    heard += text;
    notify();
  });
  let seq = 1;
  return {
    child,
    /** Console text up to now. */
    printed: () =>
      [...heard.matchAll(/"category":"stdout","output":("(?:[^"\\]|\\.)*")/g)]
        .map(([, text]) => JSON.parse(text!) as string)
        .join(""),
    exited: new Promise<string>((resolve) => child.on("exit", (code, signal) => resolve(`${signal ?? code}`))),
    send(command: string, args: object = {}) {
      const text = JSON.stringify({ seq: seq++, type: "request", command, arguments: args });
      child.stdin.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
    },
    async until(said: string): Promise<void> {
      while (!heard.includes(said))
        await new Promise<void>((resolve) => {
          notify = resolve;
        });
    },
  };
}

async function launched(source: string) {
  const program = join(folder, "guest.asm");
  writeFileSync(program, source);
  const one = started();
  one.send("initialize", { adapterID: "ringside" });
  one.send("launch", { program, technique: "vtx-ept" });
  await one.until('"event":"initialized"');
  one.send("configurationDone");
  await one.until('"event":"stopped"');
  one.send("continue", { threadId: 1 });
  return one;
}

it("is killed while its guest runs, and another one begins with the same guest at once", async () => {
  const first = await launched(endless);
  await first.until('"command":"continue"');
  first.child.kill("SIGKILL");
  expect(await first.exited).toBe("SIGKILL");
  const second = await launched(guest);
  await second.until('"output":"hi\\n"');
  second.send("disconnect");
  expect(await second.exited).toBe("0");
});

it("ends when its client is gone, also while a guest runs for ever", async () => {
  const one = await launched(endless);
  await one.until('"command":"continue"');
  one.child.stdin.end();
  expect(await one.exited).toBe("0");
});

it("lets a guest wait whose client does not read, and loses nothing of what it prints", async () => {
  const source = `%pragma ringside mode protected
        org 100000h
        bits 32
        mov ebx, 100
        mov edx, 0E9h
round:  mov esi, text
        mov ecx, 10000
        rep outsb
        dec ebx
        jnz round
        cli
        hlt
text:   times 1000 db "123456789", 10
`;
  const one = await launched(source);
  await one.until('"category":"stdout"');
  one.child.stdout.pause();
  // While nothing is read, it answers all the same once something is.
  one.send("threads");
  one.child.stdout.resume();
  await one.until('"command":"threads"');
  await one.until("Halted");
  expect(one.printed() === "123456789\n".repeat(100_000)).toBe(true);
});
