import type { Cpu } from "./cpu.ts";
import { layout } from "./layout.ts";

const word = layout.randomState >> 3;
const bits64 = (value: bigint): bigint => BigInt.asUintN(64, value);

/**
 * What RDRAND and RDSEED give: SplitMix64, whose state is the processor's. It begins anew at every reset, so that a run can
 * be repeated; nobody may take it for a source of secrets.
 */
export function randomNumber(cpu: Cpu): bigint {
  const state = bits64(cpu.r64[word]! + 0x9e37_79b9_7f4a_7c15n);
  cpu.r64[word] = state;
  // Each processor has a sequence of its own.
  const own = bits64(state + BigInt(cpu.r32[layout.apicId >> 2]!) * 0xd134_2543_de82_ef95n);
  const first = bits64((own ^ (own >> 30n)) * 0xbf58_476d_1ce4_e5b9n);
  const second = bits64((first ^ (first >> 27n)) * 0x94d0_49bb_1331_11ebn);
  return second ^ (second >> 31n);
}
