/** What a data breakpoint watches: how a person's words become an address, a size and an address space. */
import type { DebugProtocol as P } from "@vscode/debugprotocol";
import type { AddressSpace, Watch, WatchHit } from "../emulator/machine-interface.ts";
import { answerText, type Subject as EvaluationSubject, evaluateText, type Location } from "./evaluate.ts";
import { lookFrom, type Subject } from "./inspection.ts";
import { memoryReference, parseMemoryReference } from "./memory.ts";
import { itemAt } from "./program.ts";
import { ownNumber, seenFrom } from "./threads.ts";
import { variablesOf } from "./variables.ts";
import { watchProblem } from "./watched-memory.ts";

/** The modes of data breakpoints that clients offer, by address space. */
export const breakpointModes: (P.BreakpointMode & { readonly mode: AddressSpace })[] = [
  {
    mode: "linear",
    label: "Guest-virtual",
    description: "The guest's instructions use this linear address, whatever it is mapped to.",
    appliesTo: ["data"],
  },
  {
    mode: "guest-physical",
    label: "Guest-physical",
    description: "Anything touches this memory of the guest, under whatever linear address.",
    appliesTo: ["data"],
  },
  {
    mode: "host-physical",
    label: "Host-physical",
    description: "Anything touches this memory of the machine, the guest or the VMM.",
    appliesTo: ["data"],
  },
];

const accessTypes: P.DataBreakpointAccessType[] = ["read", "write", "readWrite"];

/** Most bytes that one data breakpoint may watch. */
const mostBytes = 2 ** 20;

interface Place {
  readonly location: Location;
  readonly bytes: number;
}

const none = (description: string): P.DataBreakpointInfoResponse["body"] => ({ dataId: null, description });

/** Bytes of the data item that a label names, as the assembler laid it out; of code or nothing known, 1. */
function bytesAt({ debugger: { program } }: Subject, { address }: Location): number {
  const item = itemAt(program, address);
  return item && !item.decoded ? item.length : 1;
}

/** The memory that an expression names: `dword [ebx]`, a label, or, where it is to be taken so, an address. */
function placeNamed(subject: Subject, name: string, asAddress: boolean): Place | string {
  const reference = asAddress ? parseMemoryReference(name) : undefined;
  if (reference) return { location: reference, bytes: 1 };
  const outcome = evaluateText(subject.debugger, name);
  if (outcome.problem !== undefined) return outcome.problem;
  const { location, kind, value, width = 8 } = outcome;
  if (kind === "memory" && location) return { location, bytes: width / 8 };
  if (location) return { location, bytes: bytesAt(subject, location) };
  if (asAddress) return { location: { space: "linear", address: BigInt.asUintN(64, value) }, bytes: 1 };
  return `"${name}" is not in memory: write "dword [${name}]" for what it points to, or the name of a label`;
}

/** A register that points to memory stands for as many bytes as it is wide itself. */
function placeOfVariable({ debugger: { machine } }: Subject, reference: number, name: string): Place | string {
  const variable = variablesOf(machine, ownNumber(reference)).find((candidate) => candidate.name === name);
  const location = variable?.memory === undefined ? undefined : parseMemoryReference(variable.memory);
  return location ? { location, bytes: machine.bits / 8 } : `${name} points to no memory that could be watched`;
}

const spaceOf = (mode: string | undefined): AddressSpace | undefined =>
  breakpointModes.find((candidate) => candidate.mode === mode)?.mode;

/** The same memory in the address space that a mode means, where that is another. */
function inSpace({ debugger: { machine } }: Subject, location: Location, mode: string | undefined, asAddress: boolean) {
  const space = spaceOf(mode) ?? location.space;
  if (space === location.space) return location;
  // An address that a person typed is one of the space that he chose.
  if (asAddress) return { space, address: location.address };
  if (location.space !== "linear") return `${memoryReference(location)} has no ${space} address of its own`;
  const { host } = machine.walk(location.address);
  const onHost = host === undefined ? undefined : BigInt(`0x${host}`);
  const found = space === "guest-physical" ? machine.guestPhysicalOf(location.address) : onHost;
  return found === undefined ? `${memoryReference(location)} has no ${space} address now` : { space, address: found };
}

const words: Readonly<Record<AddressSpace, string>> = {
  linear: "guest-virtual",
  "guest-physical": "guest-physical",
  "host-physical": "host-physical",
};

/** Answers `dataBreakpointInfo`. The id says all there is to know: reference, size, and of several VMs the one whose address it is. */
export function dataBreakpointInfo(
  subject: Subject,
  { name, variablesReference = 0, frameId, bytes, asAddress = false, mode }: P.DataBreakpointInfoArguments,
): P.DataBreakpointInfoResponse["body"] {
  lookFrom(subject, variablesReference > 0 ? variablesReference : frameId);
  const meant =
    variablesReference > 0 ? placeOfVariable(subject, variablesReference, name) : placeNamed(subject, name, asAddress);
  if (typeof meant === "string") return none(meant);
  const location = inSpace(subject, meant.location, mode, asAddress);
  if (typeof location === "string") return none(location);
  const size = bytes ?? meant.bytes;
  if (!Number.isInteger(size) || size < 1 || size > mostBytes) return none(`1 to ${mostBytes} bytes can be watched`);
  const { space } = location;
  const { machine, programs } = subject.debugger;
  const problem = watchProblem(machine, location);
  if (problem !== undefined) return none(`${problem.charAt(0).toLowerCase()}${problem.slice(1).replace(/\.$/, "")}`);
  const vm = programs.byVm.size > 1 && space !== "host-physical" ? machine.vm : undefined;
  const shown = variablesReference > 0 ? `[${name}]` : name;
  const dataId = `${memoryReference(location)}/${size}${vm === undefined ? "" : `/${vm}`}`;
  const place = `${words[space]} ${memoryReference(location)}${vm === undefined ? "" : ` of ${vm}`}`;
  const description = `${shown}: ${size} ${size === 1 ? "byte" : "bytes"} at ${place}`;
  // A variable may point elsewhere in the next session; an address that was typed stays what it is.
  return { dataId, description, accessTypes, canPersist: asAddress };
}

/** What a data breakpoint watches, from its id; undefined if that is malformed. */
export function watchOf({ dataId, accessType = "write" }: P.DataBreakpoint): Watch | undefined {
  const [reference = "", size = "", vm] = dataId.split("/");
  const location = parseMemoryReference(reference);
  const bytes = /^\d+$/.test(size) ? Number(size) : 0;
  if (!location || bytes < 1 || bytes > mostBytes) return undefined;
  return {
    ...location,
    ...(vm === undefined ? {} : { vm }),
    bytes,
    reads: accessType !== "write",
    writes: accessType !== "read",
  };
}

/** "Written: 4 bytes at 0x101000, now 0x00000007 (7)"; `ahead` where the access is still to come. */
export function accessText(subject: EvaluationSubject, { watch, access }: WatchHit, ahead = false): string {
  const { space, address, bytes, vm } = watch;
  const verb = `${access === "write" ? "Written" : "Read"}${ahead ? " by this instruction" : ""}`;
  const place = `${verb}: ${bytes} ${bytes === 1 ? "byte" : "bytes"} at ${memoryReference(watch)}${vm === undefined ? "" : ` of ${vm}`}`;
  const size = { 1: "byte", 2: "word", 4: "dword", 8: "qword" }[bytes];
  const prefix = { linear: "lin", "guest-physical": "gpa", "host-physical": "hpa" }[space];
  const of = vm === undefined || vm === subject.machine.vm ? undefined : { vm, vcpu: 0 };
  const outcome = size && seenFrom(subject.machine, of, () => evaluateText(subject, `${size} [${prefix}:${address}]`));
  return outcome && outcome.problem === undefined
    ? `${place}, ${ahead ? "still" : "now"} ${answerText(subject, outcome)}`
    : place;
}
