import type { DebugProtocol as P } from "@vscode/debugprotocol";
import type { RequestName, Requests } from "./protocol.ts";

/** A request that is answered with a body. */
type Answered<A, B> = { readonly args: A; readonly body: B };

/** The requests of the Debug Adapter Protocol that are answered at once. */
interface StandardQueries {
  initialize: Answered<P.InitializeRequestArguments, P.Capabilities>;
  launch: Answered<unknown, undefined>;
  setBreakpoints: Answered<P.SetBreakpointsArguments, P.SetBreakpointsResponse["body"]>;
  setFunctionBreakpoints: Answered<P.SetFunctionBreakpointsArguments, P.SetFunctionBreakpointsResponse["body"]>;
  setInstructionBreakpoints: Answered<
    P.SetInstructionBreakpointsArguments,
    P.SetInstructionBreakpointsResponse["body"]
  >;
  dataBreakpointInfo: Answered<P.DataBreakpointInfoArguments, P.DataBreakpointInfoResponse["body"]>;
  setDataBreakpoints: Answered<P.SetDataBreakpointsArguments, P.SetDataBreakpointsResponse["body"]>;
  setExceptionBreakpoints: Answered<P.SetExceptionBreakpointsArguments, P.SetExceptionBreakpointsResponse["body"]>;
  breakpointLocations: Answered<P.BreakpointLocationsArguments, P.BreakpointLocationsResponse["body"]>;
  gotoTargets: Answered<P.GotoTargetsArguments, P.GotoTargetsResponse["body"]>;
  threads: Answered<unknown, P.ThreadsResponse["body"]>;
  stackTrace: Answered<P.StackTraceArguments, P.StackTraceResponse["body"]>;
  scopes: Answered<P.ScopesArguments, P.ScopesResponse["body"]>;
  variables: Answered<P.VariablesArguments, P.VariablesResponse["body"]>;
  setVariable: Answered<P.SetVariableArguments, P.SetVariableResponse["body"]>;
  setExpression: Answered<P.SetExpressionArguments, P.SetExpressionResponse["body"]>;
  evaluate: Answered<P.EvaluateArguments, P.EvaluateResponse["body"]>;
  completions: Answered<P.CompletionsArguments, P.CompletionsResponse["body"]>;
  exceptionInfo: Answered<P.ExceptionInfoArguments, P.ExceptionInfoResponse["body"]>;
  readMemory: Answered<P.ReadMemoryArguments, P.ReadMemoryResponse["body"]>;
  writeMemory: Answered<P.WriteMemoryArguments, P.WriteMemoryResponse["body"]>;
  disassemble: Answered<P.DisassembleArguments, P.DisassembleResponse["body"]>;
  stepInTargets: Answered<P.StepInTargetsArguments, P.StepInTargetsResponse["body"]>;
  locations: Answered<P.LocationsArguments, P.LocationsResponse["body"]>;
  source: Answered<P.SourceArguments, P.SourceResponse["body"]>;
  modules: Answered<P.ModulesArguments, P.ModulesResponse["body"]>;
  loadedSources: Answered<unknown, P.LoadedSourcesResponse["body"]>;
  cancel: Answered<P.CancelArguments, undefined>;
  pause: Answered<P.PauseArguments, undefined>;
}

/** Requests that move the guest, or end the session, after their answer has been sent. */
interface StandardActions {
  configurationDone: unknown;
  continue: P.ContinueArguments;
  next: P.NextArguments;
  stepIn: P.StepInArguments;
  stepOut: P.StepOutArguments;
  stepBack: P.StepBackArguments;
  reverseContinue: P.ReverseContinueArguments;
  goto: P.GotoArguments;
  restartFrame: P.RestartFrameArguments;
  restart: P.RestartArguments;
  terminate: P.TerminateArguments;
  disconnect: P.DisconnectArguments;
}

/** Custom requests that move the guest. */
type CustomAction =
  | "ringside/goToEvent"
  | "ringside/toExit"
  | "ringside/lastWrite"
  | "ringside/reverse"
  | "ringside/runBack"
  | "ringside/goToMoment"
  | "ringside/toPresent";

export type Queries = StandardQueries & {
  [K in Exclude<RequestName, CustomAction>]: Answered<Requests[K]["args"], Requests[K]["result"]>;
};
export type Actions = StandardActions & { [K in CustomAction]: Requests[K]["args"] };

/** A function for each request that is answered at once. */
export type Answers = {
  readonly [K in keyof Queries]: (args: Queries[K]["args"]) => Queries[K]["body"] | Promise<Queries[K]["body"]>;
};

/** What to do once a request is answered. */
export type Deed = () => Promise<void>;

/** A function for each request that acts: it checks the request, and gives what to do then. */
export type Deeds = {
  readonly [K in keyof Actions]: (args: Actions[K]) => Deed | Promise<Deed>;
};

/** A problem, told in a part of a sentence, as a whole one. */
export const sentence = (text: string): string =>
  text.charAt(0).toUpperCase() + text.slice(1) + (text.endsWith(".") ? "" : ".");

/** A request that cannot be fulfilled, and why, in words for a person. */
export class Refusal extends Error {}

/** A request that the guest must stand still for, while it runs. */
export class NotStopped extends Refusal {
  constructor() {
    super("The guest is running. Pause it first.");
  }
}

/**
 * What clients ask by themselves to show what they show, at any time: also of a guest that a person has just let go on. A refusal is for the
 * client, and no message to a person.
 */
export const unaskedFor: ReadonlySet<string> = new Set([
  ...["threads", "stackTrace", "scopes", "variables", "evaluate", "completions", "exceptionInfo", "readMemory"],
  ...[
    "disassemble",
    "dataBreakpointInfo",
    "breakpointLocations",
    "stepInTargets",
    "source",
    "modules",
    "loadedSources",
  ],
  ...["ringside/events", "ringside/measured", "ringside/walk", "ringside/translation", "ringside/translations"],
  ...["ringside/rings", "ringside/controlBlock", "ringside/domains", "ringside/devices", "ringside/eventLimits"],
] as const satisfies readonly (keyof Answers)[]);

/** One that the person himself has decided, and need not be told of. */
export class Declined extends Refusal {}
