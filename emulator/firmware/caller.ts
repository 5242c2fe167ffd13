import type { Cpu } from "../cpu/cpu.ts";
import { SS } from "../cpu/state.ts";
import type { FirmwareMemory } from "./memory.ts";

const [AX, CX, DX, BX, SP, BP, SI, DI] = [0, 1, 2, 3, 4, 5, 6, 7];
const [es, ds] = [0, 3];
const carryFlag = 1;
const zeroFlag = 0x40;
/** FLAGS in the frame of the interrupt. */
const flagsOffset = 4;

/** The guest that has called the firmware, as an interrupt routine sees it: its registers, and the FLAGS that it gets back. */
export class Caller {
  readonly memory: FirmwareMemory;
  readonly #cpu: Cpu;

  constructor(cpu: Cpu, memory: FirmwareMemory) {
    this.#cpu = cpu;
    this.memory = memory;
  }

  #get16 = (register: number): number => this.#cpu.r16[4 * register]!;
  #set16(register: number, value: number): void {
    this.#cpu.r16[4 * register] = value;
  }
  #set8(register: number, high: 0 | 1, value: number): void {
    this.#cpu.r8[8 * register + high] = value;
  }

  get ax(): number {
    return this.#get16(AX);
  }
  set ax(value: number) {
    this.#set16(AX, value);
  }
  get bx(): number {
    return this.#get16(BX);
  }
  set bx(value: number) {
    this.#set16(BX, value);
  }
  get cx(): number {
    return this.#get16(CX);
  }
  set cx(value: number) {
    this.#set16(CX, value);
  }
  get dx(): number {
    return this.#get16(DX);
  }
  set dx(value: number) {
    this.#set16(DX, value);
  }
  get si(): number {
    return this.#get16(SI);
  }
  get di(): number {
    return this.#get16(DI);
  }
  set di(value: number) {
    this.#set16(DI, value);
  }
  get bp(): number {
    return this.#get16(BP);
  }
  set bp(value: number) {
    this.#set16(BP, value);
  }
  get al(): number {
    return this.ax & 0xff;
  }
  set al(value: number) {
    this.#set8(AX, 0, value);
  }
  get ah(): number {
    return this.ax >>> 8;
  }
  set ah(value: number) {
    this.#set8(AX, 1, value);
  }
  get bl(): number {
    return this.bx & 0xff;
  }
  set bl(value: number) {
    this.#set8(BX, 0, value);
  }
  get bh(): number {
    return this.bx >>> 8;
  }
  set bh(value: number) {
    this.#set8(BX, 1, value);
  }
  get cl(): number {
    return this.cx & 0xff;
  }
  get ch(): number {
    return this.cx >>> 8;
  }
  get dl(): number {
    return this.dx & 0xff;
  }
  set dl(value: number) {
    this.#set8(DX, 0, value);
  }
  get dh(): number {
    return this.dx >>> 8;
  }
  set dh(value: number) {
    this.#set8(DX, 1, value);
  }
  /** 32 bits, unsigned. */
  get32(register: "eax" | "ebx" | "ecx" | "edx"): number {
    return this.#cpu.u32[2 * wide[register]]!;
  }
  set32(register: "eax" | "ebx" | "ecx" | "edx", value: number): void {
    this.#cpu.u32[2 * wide[register]] = value;
  }

  /** Linear address of an offset, wrapped at 64 KiB, in ES or DS. */
  linear(segment: "es" | "ds", offset: number): number {
    return this.#cpu.base(segment === "es" ? es! : ds!) + (offset & 0xffff);
  }

  /** Points ES at the firmware's own segment. */
  setEs(selector: number): void {
    this.#cpu.setSegment(es!, { selector, base: selector * 16, limit: 0xffff, access: this.#cpu.access(es!) });
  }

  /** CF and ZF as the guest finds them after IRET. */
  set carry(on: boolean) {
    this.#setFlag(carryFlag, on);
  }
  set zero(on: boolean) {
    this.#setFlag(zeroFlag, on);
  }

  #setFlag(flag: number, on: boolean): void {
    const at = this.#cpu.base(SS) + ((this.#get16(SP!) + flagsOffset) & 0xffff);
    const flags = this.memory.read(at, 2);
    this.memory.write(at, 2, on ? flags | flag : flags & ~flag);
  }
}

const wide = { eax: 0, ecx: 1, edx: 2, ebx: 3 } as const;
