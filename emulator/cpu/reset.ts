import { apicBaseAfterReset } from "./apic-base.ts";
import type { Cpu } from "./cpu.ts";
import { debugAfterReset } from "./debug-registers.ts";
import { setStatusFlags } from "./flags.ts";
import { resetFloatingPoint } from "./fpu/register-stack.ts";
import { layout } from "./layout.ts";
import { miscEnableAfterReset } from "./msr.ts";
import { CR0, CS, LDTR, TR } from "./state.ts";

/** State after RESET (SDM Vol. 3, table 9-1): real mode at F000:FFF0h, paging off, caches on. */
export function resetProcessor(cpu: Cpu): void {
  cpu.r64.fill(0n);
  cpu.r64[2] = 0x2_06d7n;
  cpu.eflags = 2;
  setStatusFlags(cpu, 0);
  cpu.r64[layout.cr0 >> 3] = BigInt(CR0.ET);
  cpu.r64[(layout.debug >> 3) + 6] = debugAfterReset.dr6;
  cpu.r64[(layout.debug >> 3) + 7] = debugAfterReset.dr7;
  resetFloatingPoint(cpu);
  cpu.r64[layout.pat >> 3] = 0x0007_0406_0007_0406n;
  cpu.r64[layout.miscEnable >> 3] = miscEnableAfterReset;
  cpu.r64[layout.apicBase >> 3] = apicBaseAfterReset;
  for (let segment = 0; segment < 6; segment++)
    cpu.writeSegment(segment, { selector: 0, access: 0x93, limit: 0xffff, base: 0 });
  cpu.writeSegment(CS, { selector: 0xf000, access: 0x93, limit: 0xffff, base: 0xffff_0000 });
  cpu.writeSegment(LDTR, { selector: 0, access: 0x82, limit: 0xffff, base: 0 });
  cpu.writeSegment(TR, { selector: 0, access: 0x8b, limit: 0xffff, base: 0 });
  cpu.setGdtr(0, 0xffff);
  cpu.setIdtr(0, 0xffff);
  cpu.rip = 0xfff0;
  cpu.next = 0xfff0;
  cpu.vectoring = undefined;
  cpu.tlb.clear();
  cpu.tlb.switchTo(0);
  cpu.tlb.enter(0);
  cpu.nested.flush();
  cpu.refresh();
}
