import { pageBytes } from "./abi.ts";
import type { Domain } from "./domain.ts";

const entryBytes = 32;
const entries = pageBytes / entryBytes;
export const iretNumber = 23;

const number32 = (n: number): number[] => [0, 8, 16, 24].map((shift) => (n >>> shift) & 0xff);

/** mov eax, number / int 82h / ret; for IRET: push eax / mov eax, 23 / int 82h. */
const entry32 = (n: number): number[] =>
  n === iretNumber ? [0x50, 0xb8, ...number32(n), 0xcd, 0x82] : [0xb8, ...number32(n), 0xcd, 0x82, 0xc3];

/** push rcx / push r11 / mov eax, number / syscall / pop r11 / pop rcx / ret; for IRET: push rcx, r11, rax / mov / syscall. */
const entry64 = (n: number): number[] =>
  n === iretNumber
    ? [0x51, 0x41, 0x53, 0x50, 0xb8, ...number32(n), 0x0f, 0x05]
    : [0x51, 0x41, 0x53, 0xb8, ...number32(n), 0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3];

/** Fills a frame with one entry of 32 bytes a hypercall. */
export function writeHypercallPage(domain: Domain, frame: number): void {
  for (let n = 0; n < entries; n++) {
    const code = domain.bits === 64 ? entry64(n) : entry32(n);
    const padded = Uint8Array.from({ length: entryBytes }, (_, at) => code[at] ?? 0xcc);
    domain.writeBytes(frame * pageBytes + n * entryBytes, padded);
  }
}
