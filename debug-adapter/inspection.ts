import type { DebugProtocol as P } from "@vscode/debugprotocol";
import type { MachineInterface, VcpuPlace } from "../emulator/machine-interface.ts";
import { fromBase64, toBase64 } from "../trace-file/index.ts";
import type { CodeListings } from "./code-listings.ts";
import { type Context, commandIn, commandWords } from "./commands/index.ts";
import { completions } from "./completion.ts";
import type { Coordinates } from "./coordinates.ts";
import type { Debugger } from "./debugger.ts";
import { lookingAt } from "./devices.ts";
import { disassemble } from "./disassembly.ts";
import { type Answer, answerText, assign, assignmentIn, evaluateText, type Outcome } from "./evaluate.ts";
import { explain } from "./halts.ts";
import { type Locations, type Range, rangeBody } from "./locations.ts";
import { memoryReference, parseMemoryReference, readBytes, writeBytes } from "./memory.ts";
import { hexadecimal, itemAt } from "./program.ts";
import { moduleOfGuest, moduleOfMonitor, programFile } from "./programs.ts";
import type { Requests } from "./protocol.ts";
import { Refusal, sentence } from "./requests.ts";
import type { Halt } from "./run.ts";
import { callStack, type Frame } from "./stack.ts";
import {
  numberIn,
  ownNumber,
  placeOfThread,
  presentThread,
  seenFrom,
  threadList,
  threadOfNumber,
  waitText,
} from "./threads.ts";
import { referenceOf } from "./trace-sources.ts";
import { scopesOf, setVariable, type VariableView, variablesOf } from "./variables.ts";

/** What is being debugged, and by whom it is looked at. */
export interface Subject {
  readonly debugger: Debugger;
  readonly coordinates: Coordinates;
  readonly locations: Locations;
  readonly listings: CodeListings;
}

export function sourceOf(file: string, { path }: Coordinates): P.Source {
  const sourceReference = referenceOf(file);
  return {
    name: decodeURIComponent(file.replaceAll("\\", "/").split("/").pop() ?? file),
    path: path(file),
    ...(sourceReference === undefined ? {} : { sourceReference, origin: "in the trace" }),
  };
}

export const threads = ({ debugger: { machine } }: Subject): P.ThreadsResponse["body"] => ({
  threads: threadList(machine),
});

/** @throws Refusal if there is no such thread */
function placeOf({ debugger: { machine } }: Subject, thread: number): VcpuPlace {
  const place = placeOfThread(machine, thread);
  if (!place) throw new Refusal(`There is no thread ${thread}.`);
  return place;
}

/** What is asked from now on is about the vCPU of a frame, until the machine runs. */
export function lookFrom(subject: Subject, frameId: number | undefined): void {
  if (frameId !== undefined) subject.debugger.machine.look(placeOf(subject, threadOfNumber(frameId)));
}

/** Frame number, within its thread, of what says why a vCPU does not run. */
const frameOfWaiting = 1000;

/** The name of a frame, with what a client asks for in addition. */
function frameName(frame: Frame, module: string, line: number | undefined, format: P.StackFrameFormat = {}): string {
  const place = format.line && line !== undefined ? `, line ${line}` : "";
  return `${format.module ? `${module}!` : ""}${frame.name}${place}`;
}

function frameBody(frame: Frame, id: number, subject: Subject, format?: P.StackFrameFormat): P.StackFrame {
  const { coordinates, listings } = subject;
  const { machine, program, programs } = subject.debugger;
  const nowhere = { id, line: 0, column: 0 };
  if (frame.kind === "boundary") return { ...nowhere, name: frame.name, canRestart: false, presentationHint: "label" };
  if (frame.kind === "vmm")
    return {
      ...nowhere,
      name: frameName(frame, "VMM", undefined, format),
      canRestart: false,
      moduleId: moduleOfMonitor,
    };
  const range = itemAt(program, frame.within)?.range;
  const place = range
    ? { source: sourceOf(range.file, coordinates), ...rangeBody(range, coordinates) }
    : listings.place(subject.debugger, frame.within, coordinates);
  return {
    ...nowhere,
    name: frameName(frame, sourceOf(program.file, coordinates).name!, place.line, format),
    moduleId: moduleOfGuest(programs, machine.vm),
    instructionPointerReference: memoryReference({ space: "linear", address: frame.address }),
    ...place,
  };
}

export function stackTrace(subject: Subject, args: P.StackTraceArguments): P.StackTraceResponse["body"] {
  const { machine } = subject.debugger;
  return seenFrom(machine, placeOf(subject, args.threadId), () => stackHere(subject, args));
}

/** A vCPU that does not run says so on top of its stack. */
function waitingFrame(machine: MachineInterface, thread: number): readonly Frame[] {
  const view = machine.vcpus()[thread - 1];
  const text = machine.vcpus().length > 1 && view ? waitText(view) : "";
  return text === "" ? [] : [{ kind: "boundary", name: `──── ${text} ────` }];
}

function stackHere(subject: Subject, args: P.StackTraceArguments): P.StackTraceResponse["body"] {
  const { machine, program } = subject.debugger;
  const { threadId } = args;
  const frames = callStack(machine, program);
  const waiting = waitingFrame(machine, threadId).map((frame) =>
    frameBody(frame, numberIn(threadId, frameOfWaiting), subject, args.format),
  );
  const first = args.startFrame ?? 0;
  const end = args.levels ? first + args.levels : undefined;
  return {
    stackFrames: [
      ...waiting,
      ...frames.map((frame, n) => frameBody(frame, numberIn(threadId, n + 1), subject, args.format)),
    ].slice(first, end),
    totalFrames: frames.length + waiting.length,
  };
}

export function scopes(subject: Subject, { frameId }: P.ScopesArguments): P.ScopesResponse["body"] {
  lookFrom(subject, frameId);
  const { machine } = subject.debugger;
  const thread = presentThread(machine);
  return {
    scopes: scopesOf(machine).map(({ name, reference, registers }) => ({
      name,
      variablesReference: numberIn(thread, reference),
      expensive: false,
      ...(registers ? { presentationHint: "registers" } : {}),
    })),
  };
}

export function variables(subject: Subject, args: P.VariablesArguments): P.VariablesResponse["body"] {
  const { machine } = subject.debugger;
  const thread = threadOfNumber(args.variablesReference);
  return seenFrom(machine, placeOf(subject, thread), () => {
    const all = args.filter === "indexed" ? [] : variablesOf(machine, ownNumber(args.variablesReference));
    const first = args.start ?? 0;
    const found = all.slice(first, args.count ? first + args.count : undefined);
    return { variables: found.map((view) => variableBody(subject, view, thread, args.format?.hex === true)) };
  });
}

function variableBody(subject: Subject, view: VariableView, thread: number, hex: boolean): P.Variable {
  const place = view.memory === undefined ? undefined : parseMemoryReference(view.memory);
  return {
    name: view.name,
    value: hex ? (view.plain ?? view.value) : view.value,
    variablesReference: numberIn(thread, view.children),
    ...(view.doc ? { type: view.doc } : {}),
    ...(view.evaluateName ? { evaluateName: view.evaluateName } : {}),
    ...(view.memory ? { memoryReference: view.memory } : {}),
    ...(view.writable ? {} : { presentationHint: { attributes: ["readOnly"] } }),
    ...(place?.space === "linear" ? subject.locations.of(subject.debugger.program, place.address) : {}),
  };
}

/** A place in a source, as the client names it. */
export const placeBody = (range: Range, coordinates: Coordinates) => ({
  source: sourceOf(range.file, coordinates),
  line: coordinates.line(range.line),
  column: coordinates.column(range.start),
});

/** Answers `locations`: where what a value points to is in the sources. */
export function locationAt(
  { coordinates, locations }: Subject,
  { locationReference }: P.LocationsArguments,
): P.LocationsResponse["body"] {
  const range = locations.at(locationReference);
  return { source: sourceOf(range.file, coordinates), ...rangeBody(range, coordinates) };
}

export function setVariableTo(subject: Subject, args: P.SetVariableArguments): P.SetVariableResponse["body"] {
  const { variablesReference, name, value, format } = args;
  const outcome = seenFrom(subject.debugger.machine, placeOf(subject, threadOfNumber(variablesReference)), () =>
    setVariable(subject.debugger, ownNumber(variablesReference), name, value, format?.hex),
  );
  if ("problem" in outcome) throw new Refusal(sentence(outcome.problem));
  return outcome;
}

/** @throws Refusal if the expression has no value. */
function answered(outcome: Outcome): Answer {
  if (outcome.problem !== undefined) throw new Refusal(sentence(outcome.problem));
  return outcome;
}

function answerBody(subject: Subject, answer: Answer, plain: boolean): P.EvaluateResponse["body"] {
  const { location, doc, kind, value } = answer;
  // What a label stands for is where it points to; memory and registers may hold such an address.
  const target = kind === "number" ? undefined : kind === "label" ? location?.address : value;
  return {
    result: answerText(subject.debugger, answer, plain),
    variablesReference: 0,
    ...(doc ? { type: doc } : {}),
    ...(location ? { memoryReference: memoryReference(location) } : {}),
    ...subject.locations.of(subject.debugger.program, target),
  };
}

/** In the debug console, `target = value` assigns; elsewhere `=` compares. */
export const assigns = ({ context, expression }: P.EvaluateArguments) =>
  context === "repl" ? assignmentIn(expression) : undefined;

/** Does this line change the machine, if it does what it says? */
export const changes = (args: P.EvaluateArguments): boolean =>
  assigns(args) !== undefined || (args.context === "repl" && commandIn(args.expression)?.command.changes === true);

/** The VM to whose program a source belongs, if that of the VM that is looked at has it not. */
function vmOfSource({ debugger: { programs } }: Subject, source: P.Source | undefined): VcpuPlace | undefined {
  const file = source?.path;
  if (file === undefined || programFile(programs.here, file) !== undefined) return undefined;
  const [vm] = [...programs.byVm].find(([, program]) => programFile(program, file) !== undefined) ?? [];
  return vm === undefined ? undefined : { vm, vcpu: 0 };
}

export function evaluate(subject: Subject, args: P.EvaluateArguments): P.EvaluateResponse["body"] {
  lookFrom(subject, args.frameId);
  const assignment = assigns(args);
  return seenFrom(subject.debugger.machine, vmOfSource(subject, args.source), () => {
    const outcome = assignment
      ? assign(subject.debugger, assignment.target, assignment.value)
      : evaluateText(subject.debugger, args.expression);
    return answerBody(subject, answered(outcome), args.format?.hex === true || args.context === "clipboard");
  });
}

/** What a command of the debug console answers; undefined if the line is none. */
export async function command(
  subject: Subject,
  { context, expression, frameId }: P.EvaluateArguments,
  compare: Context["compare"],
): Promise<{ readonly body: P.EvaluateResponse["body"]; readonly changes: boolean } | undefined> {
  const found = context === "repl" ? commandIn(expression) : undefined;
  if (!found) return undefined;
  lookFrom(subject, frameId);
  const { machine, program } = subject.debugger;
  const result = await found.command.run({ machine, program, compare }, found.argument);
  return { body: { result, variablesReference: 0 }, changes: found.command.changes === true };
}

const completionTypes = {
  register: "variable",
  label: "reference",
  constant: "value",
  field: "field",
  function: "function",
} as const;

export function complete(subject: Subject, args: P.CompletionsArguments): P.CompletionsResponse["body"] {
  lookFrom(subject, args.frameId);
  const lines = args.text.split("\n");
  const line = lines[subject.coordinates.lineFrom(args.line ?? subject.coordinates.line(0))] ?? "";
  const column = args.column - subject.coordinates.column(0);
  return {
    targets: [
      ...commandWords(subject.debugger, line, column).map((word) => ({ ...word, type: "function" as const })),
      ...completions(subject.debugger, line, column).map(({ label, kind, start, length }) => ({
        label,
        type: completionTypes[kind],
        start,
        length,
      })),
    ],
  };
}

export function setExpression(subject: Subject, args: P.SetExpressionArguments): P.SetExpressionResponse["body"] {
  lookFrom(subject, args.frameId);
  const answer = answered(assign(subject.debugger, args.expression, args.value));
  const { location } = answer;
  return {
    value: answerText(subject.debugger, answer, args.format?.hex),
    ...(location ? { memoryReference: memoryReference(location) } : {}),
  };
}

/** The location of a memory reference with a byte offset. @throws Refusal if it is malformed. */
export function locationOf(reference: string, offset = 0) {
  const location = parseMemoryReference(reference);
  if (!location) throw new Refusal(`"${reference}" is not a memory reference.`);
  return { space: location.space, address: location.address + BigInt(offset) };
}

export function walk({ debugger: { machine } }: Subject, linear: string) {
  if (!/^(0x)?[\da-f]{1,16}$/i.test(linear)) throw new Refusal(`"${linear}" is not a hexadecimal address.`);
  return machine.walk(BigInt(linear.toLowerCase().startsWith("0x") ? linear : `0x${linear}`));
}

/** @throws Refusal where there is nothing to explain */
export function exceptionInfo({ debugger: { machine } }: Subject, halt: Halt): P.ExceptionInfoResponse["body"] {
  const exit = machine.pendingExit;
  const ofExit = exit?.kind === "exit" ? explain({ kind: "exit", event: exit }) : undefined;
  const ofEnd = halt.kind === "end" && machine.stopped ? explain(halt) : undefined;
  // The end says more than the exit that it came by; the rule is the exit's.
  if (ofEnd && ofExit) return { ...ofEnd, details: { ...ofExit.details, ...ofEnd.details } };
  const explanation = ofEnd ?? ofExit ?? explain(halt);
  if (!explanation) throw new Refusal("The guest is not stopped at a VM exit, an exception or its end.");
  return explanation;
}

/** @throws Refusal if something cannot be typed */
export function typeInput(
  { debugger: { machine } }: Subject,
  { text, device, vm }: Requests["ringside/input"]["args"],
) {
  const refused = lookingAt(machine, vm, () => {
    const keyboard = (device ?? (machine.guest.boot ? "keyboard" : "serial")) === "keyboard";
    return keyboard ? machine.press(text) : void machine.input(text);
  });
  if (refused !== undefined) throw new Refusal(refused);
  return {};
}

/** Most bytes that one request may ask for. */
const mostBytes = 2 ** 24;

export function readMemory(
  { debugger: { machine } }: Subject,
  args: P.ReadMemoryArguments,
): P.ReadMemoryResponse["body"] {
  const location = locationOf(args.memoryReference, args.offset);
  if (location.address < 0n) throw new Refusal("There is no memory below address 0.");
  const { bytes, unreadable } = readBytes(machine, location, Math.min(args.count, mostBytes));
  return {
    address: hexadecimal(location.address),
    data: toBase64(bytes),
    ...(unreadable > 0 ? { unreadableBytes: unreadable } : {}),
  };
}

export function writeMemory(
  { debugger: { machine } }: Subject,
  args: P.WriteMemoryArguments,
): P.WriteMemoryResponse["body"] {
  const location = locationOf(args.memoryReference, args.offset);
  const bytes = fromBase64(args.data);
  if (!bytes || location.address < 0n)
    throw new Refusal(bytes ? "There is no memory below address 0." : "The data is not Base64.");
  const bytesWritten = writeBytes(machine, location, bytes, args.allowPartial === true);
  if (bytesWritten < bytes.length && !args.allowPartial)
    throw new Refusal(
      `Not all of the ${bytes.length} bytes at ${memoryReference(location)} are mapped; nothing was written.`,
    );
  return { bytesWritten };
}

export function disassembly(subject: Subject, args: P.DisassembleArguments): P.DisassembleResponse["body"] {
  const { space, address } = locationOf(args.memoryReference, args.offset);
  if (space !== "linear") throw new Refusal("Only linear addresses can be disassembled.");
  const { coordinates } = subject;
  const lines = disassemble(subject.debugger, address, args.instructionOffset ?? 0, args.instructionCount);
  return {
    instructions: lines.map(({ address: at, bytes, text, valid, label, item }) => ({
      address: hexadecimal(at),
      instruction: text,
      ...(bytes.length > 0
        ? { instructionBytes: bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(" ") }
        : {}),
      ...(label && args.resolveSymbols !== false ? { symbol: label } : {}),
      ...(item ? { location: sourceOf(item.range.file, coordinates), line: coordinates.line(item.range.line) } : {}),
      ...(valid ? {} : { presentationHint: "invalid" as const }),
    })),
  };
}
