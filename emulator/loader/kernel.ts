/** Kernels built by others: what of the file goes where in guest-physical memory, and what the processor starts with. */
import type { StartMode } from "../machine-interface.ts";
import { type Elf, type ElfSegment, isElf, readElf, segmentType } from "./elf.ts";
import { type Handover, handoverAddress, handoverEnd, type KernelModule, type Surroundings } from "./handover.ts";
import { memoryMap } from "./memory-map.ts";
import { type MultibootAddresses, type MultibootHeader, multibootHandover, multibootHeader } from "./multiboot.ts";
import { pvhEntry, pvhHandover } from "./pvh.ts";

export interface Kernel {
  readonly file: Uint8Array;
  readonly commandLine?: string;
  readonly modules?: readonly KernelModule[];
}

/** A kernel ready to be put into a machine. Addresses are guest-physical. */
export interface LoadedKernel {
  readonly protocol: "Multiboot" | "PVH" | "ELF";
  /** Undefined for a flat file with a Multiboot header. */
  readonly elf: Elf | undefined;
  readonly image: Uint8Array;
  readonly origin: number;
  /** Address of the first instruction. */
  readonly entry: number;
  readonly mode: StartMode;
  readonly handover: Handover;
}

/** Memory of the guest, and how much of it at its end is not for the kernel, bytes. */
export interface Room {
  readonly bytes: number;
  readonly reservedAtEnd: number;
}

interface Flat {
  readonly image: Uint8Array;
  readonly origin: number;
  readonly entry: number | undefined;
}

const pageBytes = 4096;
const hex = (value: number | bigint): string => `${value.toString(16)}h`;

/** True for a file that `loadKernel` may be asked to load. */
export const isKernel = (file: Uint8Array): boolean => isElf(file) || multibootHeader(file) !== undefined;

/** Lays out a kernel for a guest; a sentence if it cannot be run. */
export function loadKernel(kernel: Kernel, room: Room): LoadedKernel | string {
  const elf = isElf(kernel.file) ? readElf(kernel.file) : undefined;
  if (typeof elf === "string") return elf;
  const multiboot = multibootHeader(kernel.file);
  if (typeof multiboot === "string") return multiboot;
  const limit = room.bytes - room.reservedAtEnd;
  const flat = layOut(kernel.file, elf, multiboot, limit);
  if (typeof flat === "string") return flat;
  const modules = placeModules(kernel.modules ?? [], flat.origin + flat.image.length);
  const end = modules.reduce((_, { address, bytes }) => address + bytes.length, 0);
  if (end > limit) return `The modules end at ${hex(end)}; the guest has room up to ${hex(limit)}.`;
  const memory = memoryMap(room.bytes, room.reservedAtEnd);
  const start = choose(elf, multiboot, { memory, commandLine: kernel.commandLine ?? "", modules });
  const problem = overlap(flat, start.handover) ?? (start.protocol === "ELF" ? untold(kernel) : undefined);
  if (problem !== undefined) return problem;
  const entry = start.entry ?? flat.entry;
  const imageEnd = flat.origin + flat.image.length;
  if (entry === undefined || entry < flat.origin || entry >= imageEnd)
    return `The entry point ${hex(elf?.entry ?? entry ?? 0)} is in no loaded segment (${hex(flat.origin)} to ${hex(imageEnd)}).`;
  return { elf, image: flat.image, origin: flat.origin, entry, ...withModules(start, modules) };
}

interface Start extends Pick<LoadedKernel, "protocol" | "mode" | "handover"> {
  /** Where it is not the ELF header's. */
  readonly entry?: number | undefined;
}

function choose(elf: Elf | undefined, multiboot: MultibootHeader | undefined, surroundings: Surroundings): Start {
  if (multiboot) return { protocol: "Multiboot", mode: "protected", handover: multibootHandover(surroundings) };
  const entry = elf && pvhEntry(elf);
  if (entry !== undefined) return { protocol: "PVH", mode: "protected", entry, handover: pvhHandover(surroundings) };
  return { protocol: "ELF", mode: elf?.bits === 64 ? "long" : "protected", handover: { blocks: [], registers: {} } };
}

const withModules = ({ protocol, mode, handover }: Start, modules: Surroundings["modules"]) => ({
  protocol,
  mode,
  handover: { ...handover, blocks: [...handover.blocks, ...modules.map(({ address, bytes }) => ({ address, bytes }))] },
});

/** Why an ELF file without a boot protocol cannot be told what it is to be told. */
const untold = ({ commandLine, modules = [] }: Kernel): string | undefined =>
  commandLine || modules.length > 0
    ? "The ELF file has neither a Multiboot header nor a PVH note, so that it cannot be given a command line or modules."
    : undefined;

function overlap({ image, origin }: Flat, { blocks }: Handover): string | undefined {
  const end = blocks.reduce((furthest, { address, bytes }) => Math.max(furthest, address + bytes.length), 0);
  if (end > handoverEnd) return `The command lines are too long, by ${end - handoverEnd} bytes.`;
  if (origin < end && origin + image.length > handoverAddress)
    return `The kernel lies at ${hex(origin)}, over what the boot loader tells it at ${hex(handoverAddress)}: link it to 1 MiB.`;
  return undefined;
}

function layOut(
  file: Uint8Array,
  elf: Elf | undefined,
  multiboot: MultibootHeader | undefined,
  limit: number,
): Flat | string {
  if (elf) return flattenSegments(elf, limit);
  if (multiboot?.addresses) return flattenFile(file, multiboot.addresses, limit);
  return "The file is neither an ELF file nor has it a Multiboot header with load addresses (flag 16).";
}

const tooHigh = (end: number | bigint, limit: number): string =>
  `The kernel ends at physical address ${hex(end)}; the guest has room up to ${hex(limit)}. Give it more memory, or link it lower.`;

/** One image of all loaded segments, from the lowest physical address to the highest. */
function flattenSegments(elf: Elf, limit: number): Flat | string {
  const loads = elf.segments.filter(({ type, memorySize }) => type === segmentType.load && memorySize > 0);
  if (loads.length === 0) return "The ELF file has no segment to load.";
  const endOf = ({ physical, memorySize }: ElfSegment) => physical + BigInt(memorySize);
  const outside = loads.find((segment) => endOf(segment) > BigInt(limit));
  if (outside) return tooHigh(endOf(outside), limit);
  const origin = Math.min(...loads.map(({ physical }) => Number(physical)));
  const image = new Uint8Array(Math.max(...loads.map((segment) => Number(endOf(segment)))) - origin);
  for (const { physical, offset, fileSize } of loads)
    image.set(elf.bytes.subarray(offset, offset + fileSize), Number(physical) - origin);
  return { image, origin, entry: physicalEntry(elf.entry, loads) };
}

/** The entry point as a physical address: many kernels are linked to run high and loaded low. */
function physicalEntry(entry: bigint, loads: readonly ElfSegment[]): number | undefined {
  const within = (start: bigint, size: number) => entry >= start && entry < start + BigInt(size);
  if (loads.some(({ physical, memorySize }) => within(physical, memorySize))) return Number(entry);
  const segment = loads.find(({ virtual, memorySize }) => within(virtual, memorySize));
  return segment && Number(entry - segment.virtual + segment.physical);
}

function flattenFile(file: Uint8Array, addresses: MultibootAddresses, limit: number): Flat | string {
  const { load, offset, loadEnd, bssEnd, entry } = addresses;
  const length = loadEnd === 0 ? file.length - offset : loadEnd - load;
  const end = Math.max(load + length, bssEnd);
  if (offset < 0 || length < 0 || offset + length > file.length)
    return "The load addresses in the Multiboot header do not fit the file.";
  if (end > limit) return tooHigh(end, limit);
  const image = new Uint8Array(end - load);
  image.set(file.subarray(offset, offset + length));
  return { image, origin: load, entry };
}

/** Modules follow the kernel, each at the start of a page. */
function placeModules(modules: readonly KernelModule[], end: number): Surroundings["modules"] {
  let next = end;
  return modules.map((module) => {
    const address = Math.ceil(next / pageBytes) * pageBytes;
    next = address + module.bytes.length;
    return { ...module, address };
  });
}
