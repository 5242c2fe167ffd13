/** What the arguments of each request must be. A client's mistake is answered in words, before anything is done. */
import type { Requests } from "./protocol.ts";
import type { Actions, Queries } from "./requests.ts";

/** What a value must be, in words, and whether it is. */
interface Needed {
  readonly what: string;
  /** The path to what is wrong, with what it must be; undefined if nothing is. */
  readonly problem: (value: unknown, path: string) => string | undefined;
  readonly optional?: never;
}
/** The same of what may be left out. */
type Optional = Omit<Needed, "optional"> & { readonly optional: true };
type Check = Needed | Optional;

type Fields = Readonly<Record<string, Check>>;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const where = (path: string, name: string): string => (path === "" ? name : `${path}.${name}`);

function check(what: string, fits: (value: unknown) => boolean): Needed {
  return { what, problem: (value, path) => (fits(value) ? undefined : `"${path}" must be ${what}`) };
}

const text = check("a text", (value) => typeof value === "string");
const flag = check("true or false", (value) => typeof value === "boolean");
const whole = check("a whole number", Number.isSafeInteger);
const between = (least: number, most: number) =>
  check(
    `a whole number from ${least} to ${most}`,
    (value) => Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most,
  );
const count = check("a whole number, 0 or more", (value) => Number.isSafeInteger(value) && Number(value) >= 0);
const oneOf = (...words: readonly string[]) =>
  check(`one of ${words.map((word) => `"${word}"`).join(", ")}`, (value) => words.includes(value as string));
const maybe = ({ what, problem }: Needed): Optional => ({ what, problem, optional: true });

function problemIn(fields: Fields, value: Readonly<Record<string, unknown>>, path: string): string | undefined {
  for (const [name, { what, problem, optional }] of Object.entries(fields)) {
    const given = value[name];
    if (given === undefined && optional) continue;
    if (given === undefined) return `"${where(path, name)}" is missing: ${what}`;
    const found = problem(given, where(path, name));
    if (found !== undefined) return found;
  }
  return undefined;
}

const object = (fields: Fields): Needed => ({
  what: "an object",
  problem: (value, path) => (isObject(value) ? problemIn(fields, value, path) : `"${path}" must be an object`),
});

const list = (of: Needed): Needed => ({
  what: "a list",
  problem(value, path) {
    if (!Array.isArray(value)) return `"${path}" must be a list`;
    for (const [n, item] of value.entries()) {
      const found = of.problem(item, `${path}[${n}]`);
      if (found !== undefined) return found;
    }
    return undefined;
  },
});

const source = object({ path: maybe(text), name: maybe(text), sourceReference: maybe(whole) });
const conditions = { condition: maybe(text), hitCondition: maybe(text) };
const format = maybe(object({ hex: maybe(flag), line: maybe(flag), module: maybe(flag) }));
const granularity = maybe(oneOf("statement", "line", "instruction"));
const frameId = maybe(count);
/** Most instructions that one request may ask for, or go past. */
const mostInstructions = 100_000;

/** What a step, or running on, is about. */
const motion = { threadId: whole, singleThread: maybe(flag) };
/** For what is one thing whatever the thread. */
const anyThread = { threadId: maybe(whole), singleThread: maybe(flag) };

/** Every argument that is required, and those others that are looked at. */
type ChecksOf<A> = unknown extends A
  ? Fields
  : { readonly [K in keyof A as object extends Pick<A, K> ? never : K]: Check } & {
      readonly [K in keyof A]?: Check | undefined;
    };

/** Of requests of our own every argument is looked at. */
type OwnChecks = {
  readonly [K in keyof Requests]: {
    readonly [F in keyof Requests[K]["args"]]-?: object extends Pick<Requests[K]["args"], F> ? Optional : Needed;
  };
};

type AllChecks = { readonly [K in keyof Queries]: ChecksOf<Queries[K]["args"]> } & {
  readonly [K in keyof Actions]: ChecksOf<Actions[K]>;
};

const standardChecks = {
  initialize: {
    adapterID: maybe(text),
    linesStartAt1: maybe(flag),
    columnsStartAt1: maybe(flag),
    pathFormat: maybe(text),
  },
  // The launch configuration has messages of its own.
  launch: {},
  configurationDone: {},
  setBreakpoints: {
    source,
    breakpoints: maybe(list(object({ line: whole, column: maybe(whole), logMessage: maybe(text), ...conditions }))),
    sourceModified: maybe(flag),
  },
  setFunctionBreakpoints: { breakpoints: list(object({ name: text, ...conditions })) },
  setInstructionBreakpoints: {
    breakpoints: list(object({ instructionReference: text, offset: maybe(whole), ...conditions })),
  },
  dataBreakpointInfo: {
    name: text,
    variablesReference: maybe(count),
    frameId,
    bytes: maybe(whole),
    asAddress: maybe(flag),
    mode: maybe(text),
  },
  setDataBreakpoints: {
    breakpoints: list(object({ dataId: text, accessType: maybe(oneOf("read", "write", "readWrite")), ...conditions })),
  },
  setExceptionBreakpoints: {
    filters: list(text),
    filterOptions: maybe(list(object({ filterId: text, condition: maybe(text) }))),
  },
  breakpointLocations: {
    source,
    line: whole,
    column: maybe(whole),
    endLine: maybe(whole),
    endColumn: maybe(whole),
  },
  gotoTargets: { source, line: whole, column: maybe(whole) },
  threads: {},
  stackTrace: { threadId: whole, startFrame: maybe(count), levels: maybe(count), format },
  scopes: { frameId: count },
  variables: {
    variablesReference: whole,
    filter: maybe(oneOf("indexed", "named")),
    start: maybe(count),
    count: maybe(count),
    format,
  },
  setVariable: { variablesReference: whole, name: text, value: text, format },
  setExpression: { expression: text, value: text, frameId, format },
  evaluate: {
    expression: text,
    context: maybe(text),
    frameId,
    format,
    line: maybe(whole),
    column: maybe(whole),
    source: maybe(source),
  },
  completions: { text, column: whole, line: maybe(whole), frameId },
  exceptionInfo: { threadId: maybe(whole) },
  readMemory: { memoryReference: text, offset: maybe(whole), count },
  writeMemory: { memoryReference: text, offset: maybe(whole), data: text, allowPartial: maybe(flag) },
  disassemble: {
    memoryReference: text,
    offset: maybe(whole),
    instructionOffset: maybe(between(-mostInstructions, mostInstructions)),
    instructionCount: between(0, mostInstructions),
    resolveSymbols: maybe(flag),
  },
  stepInTargets: { frameId: count },
  source: { source: maybe(source), sourceReference: whole },
  locations: { locationReference: whole },
  modules: { startModule: maybe(count), moduleCount: maybe(count) },
  loadedSources: {},
  cancel: { requestId: maybe(whole), progressId: maybe(text) },
  pause: { threadId: maybe(whole) },
  continue: motion,
  next: { ...motion, granularity },
  stepIn: { ...motion, granularity, targetId: maybe(whole) },
  stepOut: { ...motion, granularity },
  stepBack: { ...motion, granularity },
  reverseContinue: anyThread,
  goto: { targetId: whole, threadId: whole },
  restartFrame: { frameId: count },
  restart: {},
  terminate: {},
  disconnect: {},
} as const;

const ownChecks = {
  "ringside/events": { after: count, limit: count, kinds: maybe(list(text)), joined: maybe(flag), reader: maybe(text) },
  "ringside/measured": {},
  "ringside/goToEvent": { sequence: whole },
  "ringside/toExit": { direction: oneOf("next", "previous") },
  "ringside/lastWrite": { expression: text },
  "ringside/reverse": { step: oneOf("into", "out") },
  "ringside/runBack": { file: text, line: whole },
  "ringside/goToMoment": { measure: oneOf("step", "instruction", "cycle"), value: count },
  "ringside/toPresent": {},
  "ringside/branch": { begin: flag },
  // Its list has messages of its own.
  "ringside/setEventBreakpoints": { breakpoints: list(object({})) },
  "ringside/eventLimits": {},
  "ringside/walk": { linear: text },
  "ringside/translation": { address: text },
  "ringside/translations": {},
  "ringside/rings": {},
  "ringside/controlBlock": {},
  "ringside/domains": {},
  "ringside/devices": { vm: maybe(text) },
  "ringside/compare": { technique: text },
  "ringside/saveTrace": { title: text, note: maybe(text) },
  "ringside/input": { text, device: maybe(oneOf("serial", "keyboard")), vm: maybe(text) },
} as const satisfies OwnChecks;

/** By request. */
const checks: AllChecks = { ...standardChecks, ...ownChecks };

/** All requests that are answered. */
export const requestNames = Object.keys(checks) as readonly (keyof AllChecks)[];

/** What is wrong with the arguments of a request that is known, as a sentence; undefined if nothing is. */
export function argumentProblem(command: keyof AllChecks, given: unknown): string | undefined {
  if (!isObject(given)) return `The arguments of the request "${command}" must be an object.`;
  const problem = problemIn(checks[command] as Fields, given, "");
  return problem && `In the arguments of the request "${command}", ${problem}.`;
}
