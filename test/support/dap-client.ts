import type { DebugProtocol as P } from "@vscode/debugprotocol";
import { Session } from "../../debug-adapter/session.ts";

/** What went over the wire, without what differs from run to run. */
export interface Entry {
  readonly direction: "→" | "←" | "✗" | "⇐";
  readonly name: string;
  readonly body: unknown;
}

/** What a refusal says to the client, if that is something else, and to a person. */
function refusalText({ message = "", body }: P.Response): string {
  const text = body.error.variables._message as string;
  return message === text ? text : `${message}: ${text}`;
}

/** What a host reads: the bytes of a text, or that there is no such file. */
export const bytesOf = (content: string | Uint8Array | undefined): Uint8Array | undefined =>
  typeof content === "string" ? new TextEncoder().encode(content) : content;

/** The main file of every guest under test. */
export const guestFile = "/guests/guest.asm";

/** A Debug Adapter Protocol client in the same process: talks to a session of its own, and remembers the exchange. */
export class DapClient {
  readonly #session: Session;
  readonly #waiting = new Map<number, (response: P.Response) => void>();
  readonly #files: Readonly<Record<string, string | Uint8Array>>;
  readonly #log: Entry[] = [];
  readonly events: P.Event[] = [];
  #listeners: (() => void)[] = [];
  /** Number of events that `event` has given out. */
  #seen = 0;
  #sequence = 1;

  /** @param files contents by path; a string is the main file */
  constructor(files: string | Readonly<Record<string, string | Uint8Array>>) {
    this.#files = typeof files === "string" ? { [guestFile]: files } : files;
    this.#session = new Session({
      readFile: async (file) => bytesOf(this.#files[file]),
      breathe: () => new Promise((resolve) => setImmediate(resolve)),
      rest: () => new Promise((resolve) => setImmediate(resolve)),
    });
    this.#session.onDidSendMessage((message) => this.#receive(message as P.ProtocolMessage));
  }

  #receive(message: P.ProtocolMessage): void {
    // The session may go on changing what it sent; a real wire would not show that.
    const copy = structuredClone(message);
    if (copy.type === "response") {
      const response = copy as P.Response;
      this.#log.push(
        response.success
          ? { direction: "←", name: response.command, body: response.body }
          : { direction: "✗", name: response.command, body: refusalText(response) },
      );
      this.#waiting.get(response.request_seq)?.(response);
    } else {
      const event = copy as P.Event;
      this.#log.push({ direction: "⇐", name: event.event, body: event.body });
      this.events.push(event);
      for (const listener of this.#listeners.splice(0)) listener();
    }
  }

  /** Sends a request, and gives the answer whatever it is. */
  answer(command: string, args: object = {}): Promise<P.Response> {
    const seq = this.#sequence++;
    const answer = new Promise<P.Response>((resolve) => this.#waiting.set(seq, resolve));
    this.#log.push({ direction: "→", name: command, body: args });
    this.#session.handleMessage({ seq, type: "request", command, arguments: args } as P.Request);
    return answer;
  }

  /** Sends a request; the body of the answer, or an error with what a person would read. */
  async request<B = unknown>(command: string, args: object = {}): Promise<B> {
    const response = await this.answer(command, args);
    if (!response.success) throw new Error(response.body.error.variables._message);
    return response.body as B;
  }

  /** The next event of a kind, or of some, that has not been given out yet. Those before it are skipped. */
  async event<B = Record<string, unknown>>(...names: readonly string[]): Promise<B> {
    for (;;) {
      const index = this.events.findIndex((event, n) => n >= this.#seen && names.includes(event.event));
      if (index >= 0) {
        this.#seen = index + 1;
        return this.events[index]!.body as B;
      }
      await new Promise<void>((resolve) => this.#listeners.push(resolve));
    }
  }

  stopped(): Promise<P.StoppedEvent["body"]> {
    return this.event("stopped");
  }

  /** Sends a request that moves the guest, and waits until it has stopped. */
  async go(command: string, args: object = {}): Promise<P.StoppedEvent["body"]> {
    await this.request(command, { threadId: 1, ...args });
    return this.stopped();
  }

  /** Initializes and launches; breakpoints can be set afterwards. */
  async launch(args: object = {}, abilities: Partial<P.InitializeRequestArguments> = {}): Promise<void> {
    const client = { adapterID: "ringside", pathFormat: "path", supportsInvalidatedEvent: true, ...abilities };
    await this.request("initialize", client);
    await this.request("launch", { program: guestFile, ...args });
    await this.event("initialized");
  }

  /** Ends the configuration and waits for the first stop. */
  start(): Promise<P.StoppedEvent["body"]> {
    return this.go("configurationDone");
  }

  async frames(): Promise<P.StackFrame[]> {
    return (await this.request<P.StackTraceResponse["body"]>("stackTrace", { threadId: 1 })).stackFrames;
  }

  /** 1-based line of the newest frame that has a source. */
  async line(): Promise<number | undefined> {
    return (await this.frames()).find((frame) => frame.source)?.line;
  }

  async evaluate(expression: string, context = "watch"): Promise<string> {
    return (await this.request<P.EvaluateResponse["body"]>("evaluate", { expression, context })).result;
  }

  /** Sets breakpoints in the main file by 1-based line. */
  async breakAt(...breakpoints: P.SourceBreakpoint[]): Promise<P.Breakpoint[]> {
    const body = await this.request<P.SetBreakpointsResponse["body"]>("setBreakpoints", {
      source: { path: guestFile },
      breakpoints,
    });
    return body.breakpoints;
  }

  /** Text the guest has written to its console. */
  get console(): string {
    return this.events
      .filter(({ event, body }) => event === "output" && body.category === "stdout")
      .map(({ body }) => body.output)
      .join("");
  }

  /** The exchange so far. */
  get entries(): readonly Entry[] {
    return this.#log;
  }
}

/** 1-based line of a source that contains a text. */
export function lineOf(source: string, text: string): number {
  const index = source.split("\n").findIndex((line) => line.includes(text));
  if (index < 0) throw new Error(`no line contains "${text}"`);
  return index + 1;
}
