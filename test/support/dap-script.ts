import { DapClient, guestFile, lineOf } from "./dap-client.ts";
import { flowText, parseFlow } from "./flow-text.ts";

/**
 * A conversation of a client with the debug adapter as a text: what it does, what the adapter answered beneath it.
 *
 * ```
 * # What the script shows.
 * launch {stopOnEntry: false}     arguments of the launch, if it needs some
 * client {supportsMemoryEvent: true}
 * file /guests/other.asm          a file that exists, with the indented lines below it
 *     start:  hlt
 *
 * > scopes {frameId: 1}           a request
 * >& setVariable {…}             a request whose answer is not waited for
 * >> continue                     a request that moves the guest: what comes until it has stopped, and where it stands
 * > variables {…} | EAX | EBX     only the lines of the answer that contain one of these texts
 * ... progressStart               waits for such an event
 * edit "old" -> "new"             the main file is another now
 * ```
 *
 * A `line` that is a text is the number of the line which contains it; requests about a source mean the main file, those about a
 * thread the first one, unless they say so. Everything that does not begin so is what the adapter answered.
 */
interface Script {
  readonly title: readonly string[];
  readonly settings: readonly string[];
  readonly files: Readonly<Record<string, string>>;
  readonly commands: readonly string[];
}

const commandPattern = /^(>[>&]? |\.\.\. |edit |# )/;

/** The command, its arguments, and what of the answer is of interest. */
const requestPattern = /^>[>&]? (\S+)(?: (\{.*?\}))?((?: \| .*)?)$/;

function readFiles(lines: readonly string[]): Record<string, string> {
  const files: Record<string, string> = {};
  let name = "";
  for (const line of lines) {
    const named = /^file (.*)$/.exec(line)?.[1];
    if (named !== undefined) {
      name = named;
      files[name] = "";
    } else if (line.startsWith("    ")) files[name] += `${line.slice(4)}\n`;
  }
  return files;
}

export function readScript(text: string): Script {
  const lines = text.split("\n");
  const first = lines.findIndex((line) => /^(>|\.\.\.)/.test(line));
  const head = lines.slice(0, first);
  return {
    title: head.filter((line) => line.startsWith("# ")),
    settings: head.filter((line) => line !== "" && !line.startsWith("# ")),
    files: readFiles(head),
    commands: lines.slice(first).filter((line) => commandPattern.test(line)),
  };
}

/** Requests that are about a source; others are about a thread or need neither. */
const aboutSource = /^(setBreakpoints|breakpointLocations|gotoTargets)$/;
const aboutThread = /^(continue|next|step(In|Out|Back)|reverseContinue|goto|pause|stackTrace|exceptionInfo)$/;

/** What says nothing about what a script shows. */
const dull = new Set(["ringside/advanced", "initialized"]);

/** How far an operation has come when it is reported depends on how the work is divided. */
const withoutCounts = (name: string, body: unknown): unknown =>
  name.startsWith("progress") && typeof body === "object" && "message" in body! ? { ...body, message: "…" } : body;

const isDull = (name: string, body: unknown): boolean =>
  name === "continue" && JSON.stringify(body) === '{"allThreadsContinued":true}';

class Player {
  readonly #client: DapClient;
  readonly #files: Record<string, string>;
  readonly #out: string[];
  #shown = 0;

  constructor(files: Record<string, string>, out: string[]) {
    this.#files = files;
    this.#client = new DapClient(files);
    this.#out = out;
  }

  /** Numbers of lines for texts that they contain, and what a request is about where it does not say so. */
  #arguments(command: string, given: unknown): object {
    const file = (given as { source?: { path?: string } }).source?.path ?? guestFile;
    const numbered = JSON.parse(JSON.stringify(given), (key: string, value: unknown) =>
      (key === "line" || key === "endLine") && typeof value === "string"
        ? lineOf(this.#files[file] ?? "", value)
        : value,
    ) as object;
    return {
      ...(aboutSource.test(command) ? { source: { path: guestFile } } : {}),
      ...(aboutThread.test(command) ? { threadId: 1 } : {}),
      ...numbered,
    };
  }

  /** Writes down what has come since this was last done; of the answer only lines with one of the texts. */
  #show(wanted: readonly string[]): void {
    const entries = this.#client.entries.slice(this.#shown);
    this.#shown = this.#client.entries.length;
    for (const { direction, name, body } of entries) {
      if (direction === "→" || dull.has(name) || isDull(name, body)) continue;
      if (direction === "✗") this.#out.push(`  ✗ ${String(body)}`);
      else if (direction === "⇐") this.#out.push(...flowText(withoutCounts(name, body), `⇐ ${name}`));
      else if (body !== undefined) this.#out.push(...only(flowText(body, ""), wanted));
    }
  }

  async #begin(command: string, args: object): Promise<void> {
    await this.#client.request(command, args).catch((error: unknown) => {
      if (!(error instanceof Error)) throw error;
    });
  }

  /** The newest frame that has a source, as a debugger shows it; the frames of the VMM above it by name. */
  async #where(): Promise<void> {
    const { threadId = 1 } = this.#client.events.findLast(({ event }) => event === "stopped")!.body as {
      threadId?: number;
    };
    const { stackFrames } = await this.#client.request<{
      stackFrames: { name: string; line: number; source?: { path: string } }[];
    }>("stackTrace", { threadId });
    this.#shown = this.#client.entries.length;
    const frame = stackFrames.find(({ source }) => source);
    const [top] = stackFrames;
    const above = top && top !== frame ? `${top.name}, above ` : "";
    const text = frame && this.#files[frame.source!.path]?.split("\n")[frame.line - 1]?.trim();
    this.#out.push(`  at ${above}${frame ? `${frame.line}: ${text}` : "code without a source"}`);
  }

  async play(line: string): Promise<void> {
    this.#out.push("", line);
    const [, sign = "", rest = ""] = /^(\S+) (.*)$/.exec(line) ?? [];
    if (sign === "#") return;
    if (sign === "edit") return this.#edit(rest);
    if (sign === "...") {
      await this.#client.event(rest);
      return this.#show([]);
    }
    const [, command = "", given = "{}", filter = ""] = requestPattern.exec(line) ?? [];
    const wanted = filter.split(" | ").slice(1);
    if (sign === ">&") return void this.#begin(command, this.#arguments(command, parseFlow(given)));
    const refused = this.#client.entries.length;
    await this.#begin(command, this.#arguments(command, parseFlow(given)));
    const answered = !this.#client.entries.slice(refused).some(({ direction }) => direction === "✗");
    const stops = sign === ">>" && answered;
    const end = stops ? await this.#client.event("stopped", "terminated") : undefined;
    this.#show(wanted);
    if (end && this.#client.entries.findLast(({ name }) => /^(stopped|terminated)$/.test(name))?.name === "stopped")
      await this.#where();
  }

  #edit(change: string): void {
    const [, from = "", to = ""] = /^(".*") -> (".*")$/.exec(change) ?? [];
    const source = this.#files[guestFile]!;
    const changed = source.replace(JSON.parse(from) as string, JSON.parse(to) as string);
    if (changed === source) throw new Error(`The main file does not contain ${from}.`);
    this.#files[guestFile] = changed;
  }

  /** Initializes and launches, unless the script does that itself. */
  async launch(client: object, args: object): Promise<void> {
    await this.#client.launch(args, client).catch((error: unknown) => {
      if (!(error instanceof Error)) throw error;
    });
    this.#shown = this.#client.entries.length;
  }
}

const only = (lines: readonly string[], wanted: readonly string[]): readonly string[] =>
  wanted.length === 0 ? lines : lines.filter((line) => wanted.some((word) => line.includes(word)));

/** Plays a script and gives it back as it would be written, with what the adapter answers now. */
export async function playScript(text: string, guest: string): Promise<string> {
  const { title, settings, files, commands } = readScript(text);
  const setting = (name: string) =>
    parseFlow(settings.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1) ?? "{}") as object;
  const out: string[] = [...title, ...(settings.length > 0 ? ["", ...settings] : [])];
  const player = new Player({ ...(files[guestFile] === undefined ? { [guestFile]: guest } : {}), ...files }, out);
  if (!commands[0]?.startsWith("> initialize")) await player.launch(setting("client"), setting("launch"));
  for (const line of commands) await player.play(line);
  return `${out.join("\n")}\n`;
}

/** A request as a script sends it: with lines as texts, and without what goes without saying. */
export interface ScriptedRequest {
  readonly command: string;
  readonly args: object;
}

/** The requests that a script sends. */
export const requestsOf = (text: string): readonly ScriptedRequest[] =>
  readScript(text).commands.flatMap((line) => {
    const [, command, args = "{}"] = requestPattern.exec(line) ?? [];
    return command === undefined ? [] : [{ command, args: parseFlow(args) as object }];
  });
