import type { Cpu } from "../../cpu/cpu.ts";
import { vector } from "../../cpu/fault.ts";
import { eventType } from "../../svm/exit-information.ts";
import { instructionAt } from "./trap-reasons.ts";

/** B3 to B0 and BS of DR6: what a debug exception has that no INT1 raised. */
const debugReasons = 0x400fn;
const int1 = "int1";

/**
 * Bytes of the instruction that asked for the event whose delivery a #VMEXIT interrupted; undefined if none did. EXITINTINFO does
 * not say, and nRIP is 0: a VMM has to look at the instruction. Its page is mapped, for the processor has executed it.
 */
export function softwareEventLength(cpu: Cpu, info: bigint, dr6: bigint): number | undefined {
  const type = Number((info >> 8n) & 7n);
  const number = Number(info & 0xffn);
  const isException = type === eventType.exception;
  const mayBeInt1 = isException && number === vector.DB && (dr6 & debugReasons) === 0n;
  const isTrap = isException && (number === vector.BP || number === vector.OF);
  const bySoftware = type === eventType.softwareInterrupt || isTrap || mayBeInt1;
  if (!bySoftware) return undefined;
  const decoded = instructionAt(cpu);
  return mayBeInt1 && decoded?.row.mnemonic !== int1 ? undefined : decoded?.length;
}
