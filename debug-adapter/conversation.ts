import { DebugSession, Event, Response } from "@vscode/debugadapter";
import type { DebugProtocol as P } from "@vscode/debugprotocol";
import { argumentProblem } from "./arguments.ts";
import { coordinatesOf } from "./coordinates.ts";
import { AssemblyError, LaunchError } from "./launch.ts";
import { Progress } from "./progress.ts";
import { type Answers, Declined, type Deed, type Deeds, NotStopped, Refusal, unaskedFor } from "./requests.ts";
import { styled } from "./styling.ts";

/** Alone, the others stand still. */
const continuedBody = ({ singleThread }: P.ContinueArguments): P.ContinueResponse["body"] => ({
  allThreadsContinued: singleThread !== true,
});

/** Requests in, answers and events out, as this client wants them. What a request means is said by those who derive from it. */
export abstract class Conversation extends DebugSession {
  protected client: P.InitializeRequestArguments = { adapterID: "" };
  protected coordinates = coordinatesOf(this.client);
  /** The request that began the latest operation, and what is told of that while it lasts. */
  protected latestRequest = 0;
  #progress: Progress | undefined;
  #operations = 0;

  protected abstract readonly answers: Answers;
  protected abstract readonly deeds: Deeds;

  protected override dispatchRequest(request: P.Request): void {
    void this.#dispatch(request);
  }

  async #dispatch(request: P.Request): Promise<void> {
    const response: P.Response = new Response(request);
    try {
      const { command } = request;
      const args: unknown = request.arguments ?? {};
      const acts = Object.hasOwn(this.deeds, command);
      if (!acts && !Object.hasOwn(this.answers, command))
        throw new Refusal(`Ringside does not know the request "${command}".`);
      const problem = argumentProblem(command as keyof Deeds | keyof Answers, args);
      if (problem !== undefined) throw new Refusal(problem);
      if (acts) {
        const prepared = (this.deeds[command as keyof Deeds] as (args: unknown) => Deed | Promise<Deed>)(args);
        // A second request of the same batch of messages must find the guest moving.
        const act = typeof prepared === "function" ? prepared : await prepared;
        this.latestRequest = request.seq;
        if (command === "continue") response.body = continuedBody(args as P.ContinueArguments);
        this.sendResponse(response);
        await act();
      } else {
        response.body = await (this.answers[command as keyof Answers] as (args: unknown) => unknown)(args);
        this.sendResponse(response);
      }
    } catch (error) {
      this.#refuse(response, error);
    }
  }

  #refuse(response: P.Response, error: unknown): void {
    const expected = error instanceof Refusal || error instanceof LaunchError;
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof AssemblyError) this.print("stderr", this.styled("error", error.report));
    if (!expected) this.print("stderr", `Ringside has a bug: ${error instanceof Error ? error.stack : message}\n`);
    if (response.seq !== 0) return;
    response.success = false;
    response.message = error instanceof NotStopped ? "notStopped" : message;
    // Braces in a message would be taken for variables to fill in.
    const shown = { format: "{_message}", variables: { _message: message } };
    const isTold = !(expected && unaskedFor.has(response.command)) && !(error instanceof Declined);
    response.body = { error: { id: 1, ...shown, showUser: isTold } };
    this.sendResponse(response);
  }

  /** Remembers what the client can do, and how it counts and names. */
  protected meet(client: P.InitializeRequestArguments): void {
    this.client = client;
    this.coordinates = coordinatesOf(client);
  }

  protected tell(event: string, body: unknown = {}): void {
    this.sendEvent(new Event(event, body));
  }

  /** @param place where in the sources that comes from */
  protected print(
    category: "stdout" | "stderr" | "console" | "important",
    output: string,
    place: Pick<P.OutputEvent["body"], "source" | "line" | "column"> = {},
  ): void {
    if (output !== "") this.tell("output", { category, output, ...place });
  }

  protected styled(style: Parameters<typeof styled>[1], text: string): string {
    return styled(this.client.supportsANSIStyling, style, text);
  }

  /** Does work during which nothing comes in: the client is told before, and cannot cancel it. */
  protected async reporting<T>(title: string, work: () => Promise<T>): Promise<T> {
    if (!this.client.supportsProgressReporting) return work();
    const progressId = `ringside-${++this.#operations}`;
    this.tell("progressStart", { progressId, title, cancellable: false });
    try {
      return await work();
    } finally {
      this.tell("progressEnd", { progressId });
    }
  }

  /** From here to `endProgress` the client is told of an operation if it takes long. */
  protected beginProgress(title: string): void {
    const id = `ringside-${++this.#operations}`;
    const tell = (event: string, body: unknown) => this.tell(event, body);
    if (this.client.supportsProgressReporting) this.#progress = new Progress(id, title, tell);
  }

  protected tick(message: () => string): void {
    this.#progress?.tick(message);
  }

  protected endProgress(): void {
    this.#progress?.end();
    this.#progress = undefined;
  }

  /** Is this what a client wants to cancel, the operation under way? */
  protected isUnderWay({ requestId, progressId }: P.CancelArguments): boolean {
    return requestId === this.latestRequest || (progressId !== undefined && progressId === this.#progress?.id);
  }
}
