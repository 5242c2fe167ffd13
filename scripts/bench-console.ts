/**
 * Measures guests that print a lot: `node scripts/bench-console.ts [MB [guest …]]`. The adapter is a process of its own, as in VS Code on
 * the desktop, and this is its client. Each guest prints so many megabytes, 10 if no number is given; all that arrives is compared with
 * what was printed, byte by byte. A few times the guest is paused and asked for its threads and its stack. Prints seconds, the longest
 * answers in milliseconds, and the most memory that the adapter ever took (Linux).
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DebugProtocol as P } from "@vscode/debugprotocol";
import { bytewise, characters, printingGuest } from "../test/support/printing-guest.ts";

const adapter = join(import.meta.dirname, "../debug-adapter/main-stdio.ts");

/** What is printed again and again: lines of 64 characters. */
const line = (n: number): string =>
  `${`${n}`.padStart(4, "0")} ${"the guest has a lot to say, and all of it is to arrive... ok".slice(0, 58)}\n`;
const text = Array.from({ length: 64 }, (_, n) => line(n)).join("");

const plain = (setup: string, print: string) => printingGuest(text, setup, print);

const xen = (rounds: number): string => `%pragma ringside mode xen
        org 100000h
        bits 32
        mov edi, ${rounds}
round:  mov eax, 18                     ; console_io(write, count, buffer)
        xor ebx, ebx
        mov ecx, ${text.length}
        mov edx, text
        int 82h
        dec edi
        jnz round
        mov eax, 29                     ; sched_op(shutdown, power off)
        mov ebx, 2
        mov ecx, reason
        int 82h
reason: dd 0
text:   db ${characters(text)}
`;

/** Guests by name: their technique, and their source for a number of rounds. */
const guests: Readonly<Record<string, readonly [technique: string, source: (rounds: number) => string]>> = {
  "debug console": ["bare-metal", plain("", bytewise("out 0E9h, al"))],
  "serial port": ["bare-metal", plain("mov edx, 3F8h", bytewise("out dx, al"))],
  "rep outsb": ["bare-metal", plain("mov edx, 0E9h", "        rep outsb")],
  "debug console, trap and emulate": ["trap-and-emulate", plain("", bytewise("out 0E9h, al"))],
  "debug console, VT-x with EPT": ["vtx-ept", plain("", bytewise("out 0E9h, al"))],
  "rep outsb, VT-x with EPT": ["vtx-ept", plain("mov edx, 0E9h", "        rep outsb")],
  "Xen's console_io": ["paravirtualization", xen],
};

/** A client of the adapter: takes the stream apart, and compares what the guest prints. */
class Client {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (response: P.Response) => void>();
  #parts: Buffer[] = [];
  #size = 0;
  #sequence = 1;
  #heard: (event: P.Event) => void = () => {};
  printed = 0;
  events = 0;
  longest = 0;

  constructor() {
    this.#process = spawn(process.execPath, [adapter], { stdio: ["pipe", "pipe", "inherit"] });
    this.#process.stdout!.on("data", (chunk: Buffer) => this.#receive(chunk));
  }

  #receive(chunk: Buffer): void {
    this.#parts.push(chunk);
    this.#size += chunk.length;
    for (;;) {
      const first = this.#parts[0]!;
      const header = /^Content-Length: (\d+)\r\n\r\n/.exec(first.subarray(0, 40).toString("latin1"));
      const end = header ? header[0].length + Number(header[1]) : Number.POSITIVE_INFINITY;
      if (this.#size < Math.min(end, 40) || (header && this.#size < end)) return;
      const all = this.#parts.length === 1 ? first : Buffer.concat(this.#parts);
      this.#parts = [all];
      if (!header) continue;
      this.#take(JSON.parse(all.toString("utf8", header[0].length, end)) as P.ProtocolMessage);
      const rest = all.subarray(end);
      this.#parts = rest.length > 0 ? [rest] : [];
      this.#size = rest.length;
      if (this.#size === 0) return;
    }
  }

  #take(message: P.ProtocolMessage): void {
    if (message.type === "response") {
      const response = message as P.Response;
      if (!response.success) throw new Error(response.message);
      this.#waiting.get(response.request_seq)?.(response);
      return;
    }
    const event = message as P.Event;
    if (event.event === "output" && event.body.category === "stdout") this.#compare(event.body.output);
    this.#heard(event);
  }

  #compare(output: string): void {
    this.events++;
    this.longest = Math.max(this.longest, output.length);
    for (let at = 0; at < output.length; ) {
      const from = (this.printed + at) % text.length;
      const count = Math.min(text.length - from, output.length - at);
      if (output.slice(at, at + count) !== text.slice(from, from + count))
        throw new Error(`What arrived after ${this.printed + at} bytes is not what was printed`);
      at += count;
    }
    this.printed += output.length;
  }

  request(command: string, args: object = {}): Promise<P.Response> {
    const seq = this.#sequence++;
    const message = JSON.stringify({ seq, type: "request", command, arguments: args });
    this.#process.stdin!.write(`Content-Length: ${Buffer.byteLength(message)}\r\n\r\n${message}`);
    return new Promise((resolve) => this.#waiting.set(seq, resolve));
  }

  event(name: string): Promise<P.Event> {
    return new Promise((resolve) => {
      this.#heard = (event) => {
        if (event.event === name) resolve(event);
      };
    });
  }

  /** MiB; undefined where the system does not tell. */
  get mostMemory(): number | undefined {
    if (process.platform !== "linux") return undefined;
    const status = readFileSync(`/proc/${this.#process.pid}/status`, "utf8");
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024;
  }

  end(): void {
    this.#process.kill();
  }
}

const thread = { threadId: 1 };

/** A guest that stands still before its first instruction. */
async function launched(program: string, technique: string): Promise<Client> {
  const client = new Client();
  await client.request("initialize", { adapterID: "ringside" });
  const initialized = client.event("initialized");
  await client.request("launch", { program, technique });
  await initialized;
  const stopped = client.event("stopped");
  await client.request("configurationDone");
  await stopped;
  return client;
}

/** Pauses a running guest; milliseconds until it has stopped, and until its threads and stack are known. */
async function pause(client: Client): Promise<{ readonly pause: number; readonly look: number }> {
  const stopped = client.event("stopped");
  const start = performance.now();
  await client.request("pause", thread);
  await stopped;
  const between = performance.now();
  await client.request("threads");
  await client.request("stackTrace", thread);
  return { pause: between - start, look: performance.now() - between };
}

const pauses = 5;

async function measure(program: string, technique: string, total: number): Promise<string> {
  const client = await launched(program, technique);
  const longest = { pause: 0, look: 0 };
  let standing = 0;
  const start = performance.now();
  for (let n = 1; ; n++) {
    const stopped = client.event("stopped");
    await client.request("continue", thread);
    const aim = n <= pauses ? (total * n) / (pauses + 1) : Number.POSITIVE_INFINITY;
    const watch = async (): Promise<void> => {
      while (client.printed < aim) await new Promise((resolve) => setTimeout(resolve, 20));
    };
    const ended = await Promise.race([stopped.then(() => true), ...(aim < total ? [watch().then(() => false)] : [])]);
    if (ended) break;
    const before = performance.now();
    const answer = await pause(client);
    longest.pause = Math.max(longest.pause, answer.pause);
    longest.look = Math.max(longest.look, answer.look);
    standing += performance.now() - before;
  }
  const seconds = (performance.now() - start - standing) / 1000;
  const memory = client.mostMemory;
  client.end();
  if (client.printed !== total) throw new Error(`${client.printed} bytes arrived of ${total}.`);
  return (
    `${seconds.toFixed(1)} s, pause ${longest.pause.toFixed(0)} ms, threads and stack ${longest.look.toFixed(0)} ms, ` +
    `${client.events} output events of at most ${client.longest} characters${memory === undefined ? "" : `, ${memory.toFixed(0)} MiB`}`
  );
}

const [megabytes = "10", ...wanted] = process.argv.slice(2);
const rounds = Math.round((Number(megabytes) * 1e6) / text.length);
const folder = mkdtempSync(join(tmpdir(), "ringside-"));
try {
  for (const [name, [technique, source]] of Object.entries(guests)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const file = join(folder, "guest.asm");
    writeFileSync(file, source(rounds));
    console.log(`${name}: ${await measure(file, technique, rounds * text.length)}`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
