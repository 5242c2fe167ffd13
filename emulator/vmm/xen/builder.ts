import { nullSegment, segmentFrom } from "../../cpu/descriptor.ts";
import { layout } from "../../cpu/layout.ts";
import { readDescriptor } from "../../cpu/segmentation.ts";
import { CR0, CR4, CS, DS, EFER, ES, FS, GS, LDTR, SS, TR } from "../../cpu/state.ts";
import { pageBytes, selectors, vcpuInfo } from "./abi.ts";
import type { Domain } from "./domain.ts";
import { writeHypercallPage } from "./hypercall-page.ts";
import { pte, typeOfLevel } from "./page-types.ts";

const megabyte = 2 ** 20;
const largestImageArea = 1024 * megabyte;
const tableSpan = 2 * megabyte;
const leaf = pte.present | pte.write | pte.accessed | pte.dirty;

/** What lies where in the guest's first linear addresses, which are its pseudo-physical ones. Page numbers. */
interface Bootstrap {
  readonly list: number;
  readonly startInfo: number;
  readonly tables: number;
  readonly levelOne: number;
  readonly tablePages: number;
  readonly stack: number;
  /** Pages mapped. */
  readonly mapped: number;
}

const pagesOf = (bytes: number): number => Math.ceil(bytes / pageBytes);

/** Image, list of frames, start_info, page tables, stack, padding; the whole a multiple of 4 MiB (xen/include/public/xen.h). */
function bootstrapOf(imageEnd: number, frames: number, bits: 32 | 64): Bootstrap | undefined {
  const list = pagesOf(imageEnd);
  const startInfo = list + pagesOf((frames * bits) / 8);
  const tables = startInfo + 1;
  for (let end = 4 * megabyte; end <= largestImageArea; end += 4 * megabyte) {
    const levelOne = end / tableSpan;
    // Level 3 and two of level 2; or one each of levels 4, 3 and 2.
    const tablePages = 3 + levelOne;
    const stack = tables + tablePages;
    if ((stack + 1) * pageBytes + megabyte / 2 > end) continue;
    const mapped = Math.min(pagesOf(end), frames);
    return stack < frames ? { list, startInfo, tables, levelOne, tablePages, stack, mapped } : undefined;
  }
  return undefined;
}

/** Why an image is too large for the memory there is; undefined if it is not. */
export const roomProblem = (imageEnd: number, guestBytes: number, bits: 32 | 64): string | undefined =>
  bootstrapOf(imageEnd, guestBytes / pageBytes - 32, bits)
    ? undefined
    : `The image ends at ${imageEnd.toString(16)}h; with what Xen puts behind it (frame list, page tables, stack) it does not fit into ${guestBytes / megabyte} MiB.`;

/** Puts the guest into its frames, and the processor where Xen enters a guest: paging on, kernel segments, rSI at start_info. */
export function buildDomain(domain: Domain, image: { readonly start: number; readonly end: number }): void {
  const boot = bootstrapOf(image.end, domain.given.length, domain.bits)!;
  moveImage(domain, image);
  writeFrameList(domain, boot);
  writeTables(domain, boot);
  writeStartInfo(domain, boot);
  writeSharedInfo(domain);
  enter(domain, image.start, boot);
  const page = hypercallPageOf(domain, image);
  if (page !== undefined) writeHypercallPage(domain, domain.given[page]!);
}

const machineOf = (domain: Domain, physical: number): number =>
  domain.given[Math.floor(physical / pageBytes)]! * pageBytes + (physical % pageBytes);

/** The image was loaded as if guest memory were one block; it goes to where its frames are. */
function moveImage(domain: Domain, { start, end }: { start: number; end: number }): void {
  const from = domain.allocator.hostOf(0)!;
  const bytes = Uint8Array.from({ length: end - start }, (_, n) => domain.readByte(from + start + n));
  for (let n = start; n < end; n++) domain.writeByte(from + n, 0);
  for (const [n, byte] of bytes.entries()) if (byte !== 0) domain.writeByte(machineOf(domain, start + n), byte);
}

function writeWord(domain: Domain, physical: number, value: bigint | number): void {
  const at = machineOf(domain, physical);
  if (domain.bits === 64) domain.memory.write64(at, BigInt(value));
  else domain.memory.write32(at, Number(value));
}

function writeFrameList(domain: Domain, { list }: Bootstrap): void {
  for (const [n, frame] of domain.given.entries()) writeWord(domain, list * pageBytes + (n * domain.bits) / 8, frame);
}

function writeTables(domain: Domain, boot: Bootstrap): void {
  const { memory, given, bits } = domain;
  const user = bits === 64 ? pte.user : 0n;
  const frame = (n: number): number => given[boot.tables + n]!;
  const write = (table: number, index: number, target: number, flags: bigint): void =>
    memory.write64(frame(table) * pageBytes + 8 * index, BigInt(target * pageBytes) | flags | user);
  const top = bits === 64 ? 0 : 1;
  const intermediate = pte.present | pte.write | pte.accessed | pte.user;
  if (bits === 64) {
    write(0, 0, frame(1), intermediate);
    write(1, 0, frame(2), intermediate);
  } else {
    // Entries of the level-3 table have no such bits in PAE paging.
    write(0, 0, frame(1), pte.present);
    write(0, 3, frame(2), pte.present);
  }
  const directory = bits === 64 ? 2 : top;
  for (let n = 0; n < boot.levelOne; n++) write(directory, n, frame(3 + n), intermediate);
  for (let page = 0; page < boot.mapped; page++) {
    const isTable = page >= boot.tables && page < boot.tables + boot.tablePages;
    const flags = isTable ? leaf & ~pte.write & ~pte.dirty : leaf;
    write(3 + Math.floor(page / 512), page % 512, given[page]!, flags);
  }
  adopt(domain, frame(0));
}

/** The tables are validated as the guest's own would be; the top one is the base, and pinned. */
function adopt(domain: Domain, top: number): void {
  const type = typeOfLevel(domain.bits === 64 ? 4 : 3);
  for (let n = 0; n < 2; n++) {
    const invalid = domain.types.acquire(top, type);
    if (invalid) throw new Error(`the first page tables are not valid: ${invalid.why}`);
  }
  domain.frames.setPinned(top, true);
  domain.state.kernelBase = top;
}

/** Offsets in start_info, by width. */
const startInfo = {
  32: {
    magic: "xen-3.0-x86_32p",
    pages: 32,
    shared: 36,
    flags: 40,
    base: 60,
    tables: 64,
    list: 68,
    firstList: 1104,
    listPages: 1108,
  },
  64: {
    magic: "xen-3.0-x86_64",
    pages: 32,
    shared: 40,
    flags: 48,
    base: 88,
    tables: 96,
    list: 104,
    firstList: 1152,
    listPages: 1160,
  },
} as const;
/** The guest has the machine's console, and is the initial domain. */
const privilegedInitial = 3;

function writeStartInfo(domain: Domain, boot: Bootstrap): void {
  const at = boot.startInfo * pageBytes;
  const fields = startInfo[domain.bits];
  for (const [n, letter] of [...fields.magic].entries())
    domain.writeByte(machineOf(domain, at + n), letter.charCodeAt(0));
  const write = (offset: number, value: number): void => writeWord(domain, at + offset, value);
  write(fields.pages, domain.given.length);
  write(fields.shared, domain.sharedInfo * pageBytes);
  domain.memory.write32(machineOf(domain, at + fields.flags), privilegedInitial);
  write(fields.base, boot.tables * pageBytes);
  write(fields.tables, boot.tablePages);
  write(fields.list, boot.list * pageBytes);
  write(fields.firstList, boot.list);
  write(fields.listPages, boot.startInfo - boot.list);
}

/** All events are masked at the start, and so are upcalls. */
function writeSharedInfo(domain: Domain): void {
  const at = domain.sharedInfo * pageBytes;
  const { mask, ports } = domain.shared;
  for (let n = 0; n < ports / 8; n++) domain.writeByte(at + mask + n, 0xff);
  for (let vcpu = 0; vcpu < domain.vcpus; vcpu++)
    domain.writeByte(domain.stateOf(vcpu).vcpuInfo + vcpuInfo.upcallMask, 1);
  domain.writeTime();
}

/** Of the virtual CPU in the core: what a guest does not set by itself, and the base of its page tables. */
export function loadSystemRegisters(domain: Domain): void {
  const { cpu, tables } = domain;
  const { r64 } = cpu;
  const long = domain.bits === 64;
  r64[layout.cr0 >> 3] = BigInt((CR0.PE | CR0.MP | CR0.ET | CR0.NE | CR0.WP | CR0.AM | CR0.PG) >>> 0);
  r64[layout.cr4 >> 3] = BigInt(CR4.PAE | CR4.OSFXSR | CR4.OSXMMEXCPT);
  r64[layout.efer >> 3] = BigInt(EFER.NXE | (long ? EFER.LME | EFER.LMA | EFER.SCE : 0));
  r64[layout.star >> 3] = (BigInt(selectors.xenCode) << 32n) | (BigInt(selectors[64].code32) << 48n);
  cpu.setGdtr(tables.gdtr.base, tables.gdtr.limit);
  cpu.setIdtr(tables.idtr.base, tables.idtr.limit);
  domain.loadBase();
  cpu.writeSegment(TR, tables.tr);
}

function enter(domain: Domain, entry: number, boot: Bootstrap): void {
  const { cpu, bits, tables } = domain;
  const { r64 } = cpu;
  const long = bits === 64;
  loadSystemRegisters(domain);
  cpu.writeSegment(LDTR, tables.ldtr(0));
  const kernel = selectors[bits];
  const flat = (selector: number) =>
    selector === 0 ? nullSegment(0, 3) : segmentFrom(selector, readDescriptor(cpu, selector)!);
  cpu.writeSegment(CS, flat(kernel.kernelCode));
  cpu.writeSegment(SS, flat(long ? selectors[64].kernelStack : kernel.kernelData));
  for (const segment of [DS, ES, FS, GS]) cpu.writeSegment(segment, flat(kernel.kernelData));
  for (let register = 0; register < 16; register++) r64[register] = 0n;
  r64[4] = BigInt((boot.stack + 1) * pageBytes);
  r64[6] = BigInt(boot.startInfo * pageBytes);
  cpu.rip = entry;
  cpu.setCpl(long ? 3 : 1);
  cpu.flags = 0x202;
  cpu.refresh();
  const stack = long
    ? { selector: selectors[64].kernelStack, pointer: 0 }
    : { selector: kernel.kernelData, pointer: 0 };
  domain.state.kernelStack = stack;
}

/**
 * The pseudo-physical page in which the image wants the hypercall page, if it says so as kernels did before ELF notes: a text
 * that begins with GUEST_OS= and has HYPERCALL_PAGE=0x… among its settings.
 */
function hypercallPageOf(domain: Domain, { start, end }: { start: number; end: number }): number | undefined {
  let text = "";
  for (let at = start; at < end; at++) text += String.fromCharCode(domain.readByte(machineOf(domain, at)));
  const page = /GUEST_OS=[\x20-\x7e]*?HYPERCALL_PAGE=(0x[0-9a-fA-F]+|\d+)/.exec(text)?.[1];
  const number = page === undefined ? undefined : Number(page);
  return number !== undefined && number < domain.given.length ? number : undefined;
}
