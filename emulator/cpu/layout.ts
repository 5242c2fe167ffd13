/**
 * Where the processor's state lives in the machine's WebAssembly memory, in bytes from the start of the CPU's block.
 * Interpreter and translated code share it, and a snapshot of all state is a copy of the memory.
 *
 * The six status flags are kept unevaluated, in three words that every arithmetic result fills the same way and that
 * need neither the operation nor its width to be read:
 *
 *     ZF = flagZ == 0      SF = flagSP < 0      PF = even parity of the low byte of flagSP
 *     CF = flagC < 0       OF = (flagC ^ flagC << 1) < 0      AF = flagC bit 3
 *
 * For widths up to 32, flagZ and flagSP are the sign-extended result. flagC comes from the carry-out vector of the
 * addition, (a & b) | ((a | b) & ~sum), or of the subtraction, (~a & b) | ((~a | b) & difference), of width w, as
 * (vector << (32 - w)) | (vector & 8). For 64 bits, flagZ = low | high, flagSP = (high & 0x80000000) | (low & 0xFF),
 * flagC = (vector.high & 0xC0000000) | (vector.low & 8).
 */
export const layout = {
  /** RAX … R15, 8 bytes each, in the manual's order. */
  registers: 0x000,
  /** Linear-address-sized instruction pointer (RIP), 8 bytes. */
  rip: 0x080,
  flagZ: 0x088,
  flagSP: 0x08c,
  flagC: 0x090,
  /** (R)FLAGS without the six status flags and with bit 1 set; 4 bytes. */
  eflags: 0x094,
  /** Machine steps since the start, float64. One step: one pass over an instruction boundary. */
  steps: 0x098,
  /** Of these, steps that retired no guest instruction (fault, exit, VMM work, interrupt delivery), float64. */
  unretired: 0x0a0,
  /** Virtual time in cycles beyond one per step (exit costs, halted time), float64. Virtual time is steps + extraCycles. */
  extraCycles: 0x0a8,
  /** Steps translated code may still take before it must return; int32. */
  fuel: 0x0b0,
  /** Current privilege level, 0–3; 4 bytes. */
  cpl: 0x0b4,
  /** Nonzero asks the run loop to look at interrupts, halts and other events before the next instruction; 4 bytes. */
  attention: 0x0b8,
  /** 0 active, 1 HLT, 2 shutdown, 3 wait for SIPI (the numbers of the VMCS activity state); 4 bytes. */
  activity: 0x0bc,
  /**
   * Interruptibility as in the VMCS: bit 0 blocking by STI, 1 by MOV SS, 3 by NMI; 4 bytes. Bits 31:30 are the
   * processor's own marks (`cpu/interrupts.ts`): 31 the blocking has covered its boundary, 30 a single step is under way.
   */
  interruptibility: 0x0c0,
  /** Guest instructions that a VMM completed for the guest, in steps that are counted as unretired; float64. */
  emulated: 0x0c8,
  /** What DR6 will say of debug traps that are waiting for the next instruction boundary; 4 bytes. */
  pendingDebug: 0x0d0,
  /** 1 while an NMI waits to be taken; 4 bytes. */
  pendingNmi: 0x0d4,
  /** ID of the local APIC: the number of this processor in the machine; 4 bytes. */
  apicId: 0x0d8,
  /** Processors in the machine; 4 bytes. */
  processors: 0x0dc,
  /** 1 where virtual time counts retired instructions instead of steps (`cpu/virtual-time.ts`); 4 bytes. */
  countsInstructions: 0x0e0,
  /** Paging-structure entries read to fill the TLB, nested ones included, float64 (`mmu/references.ts`). */
  walkReferences: 0x0e8,
  /** ES, CS, SS, DS, FS, GS, LDTR, TR: `segmentBytes` each. */
  segments: 0x100,
  gdtrBase: 0x200,
  gdtrLimit: 0x208,
  idtrBase: 0x210,
  idtrLimit: 0x218,
  cr0: 0x220,
  cr2: 0x228,
  cr3: 0x230,
  cr4: 0x238,
  cr8: 0x240,
  efer: 0x248,
  /** DR0–DR7, 8 bytes each. */
  debug: 0x250,
  star: 0x290,
  lstar: 0x298,
  cstar: 0x2a0,
  fmask: 0x2a8,
  kernelGsBase: 0x2b0,
  sysenterCs: 0x2b8,
  sysenterEsp: 0x2c0,
  sysenterEip: 0x2c8,
  pat: 0x2d0,
  tscAdjust: 0x2d8,
  tscOffset: 0x2e0,
  miscEnable: 0x2e8,
  mtrrDefault: 0x2f0,
  /** IA32_TSC_AUX, what RDTSCP gives in ECX. */
  tscAux: 0x2f8,
  /** PDPTEs 0–3 of PAE paging, loaded with CR3. */
  pdptes: 0x300,
  /** Eight pairs of base and mask, then the eleven fixed ranges; 8 bytes each. */
  mtrrVariable: 0x320,
  mtrrFixed: 0x3a0,
  /** The eight 80-bit registers of the x87 unit by number, not by place in the stack, 16 bytes each; MM0–MM7 are their significands. */
  x87Registers: 0x400,
  /** XMM0–XMM15, 16 bytes each. */
  xmm: 0x480,
  /** Control word and status word (TOP included), 4 bytes each, of which the low 2 are used. */
  x87Control: 0x580,
  x87Status: 0x584,
  /** Bit n: register n is empty; 4 bytes. */
  x87Empty: 0x588,
  /** The last instruction's opcode (11 bits), kept where it raised an unmasked exception; 4 bytes. */
  x87Opcode: 0x58c,
  /** Address of the last x87 instruction and of its memory operand: offsets of 8 bytes, selectors of 4. */
  x87InstructionPointer: 0x590,
  x87DataPointer: 0x598,
  x87CodeSelector: 0x5a0,
  x87DataSelector: 0x5a4,
  mxcsr: 0x5a8,
  /** What MONITOR watches: 0 nothing, 1 armed, 2 MWAIT waits; 4 bytes. */
  monitorArmed: 0x5b0,
  /** Host-physical address of the watched line, float64. */
  monitorLine: 0x5b8,
  /** `extraCycles` when the wait began, float64. */
  monitorSince: 0x5c0,
  /** State of the random-number generator, 8 bytes. */
  randomState: 0x5c8,
  /** IA32_APIC_BASE but for the bit that tells the boot processor. */
  apicBase: 0x5d0,
  /** VMX-preemption timer: 1 more than the cycle it runs out at, and 0 while it does not run; float64. */
  preemptionDeadline: 0x5d8,
  /** PAUSE-loop exiting: cycles of the first PAUSE of the loop and of the last one, each plus 1 (0: none); float64. */
  pauseFirst: 0x5e0,
  pauseLast: 0x5e8,
  /** Monitor trap flag: one of `monitorTrap` of `vmx/monitor-trap.ts`; 4 bytes. */
  monitorTrap: 0x5f0,
  /** 1 more than the offset in the virtual-APIC page that was written, until what follows from it is done; 4 bytes. */
  apicWrite: 0x5f4,
  /** The watched line as it was, 64 bytes. */
  monitorCopy: 0x600,
  /** 0 outside VMX operation, 1 in root operation, 2 in non-root operation of software's own hypervisor; 4 bytes. */
  vmxOperation: 0x640,
  /** The virtual-processor identifier in force: 0 but in non-root operation; 4 bytes. */
  vpid: 0x644,
  featureControl: 0x648,
  /** Physical addresses of the VMXON region and of the current VMCS; all ones where no VMCS is current. */
  vmxonPointer: 0x650,
  vmcsPointer: 0x658,
  /** What non-root operation adds to the time-stamp counter. */
  guestTscOffset: 0x660,
  /** The exit that no entry has followed yet: its event's number (0: none) and the cycle it began at, float64. */
  vmxExit: 0x668,
  vmxExitCycle: 0x670,
  /** EPT PML4 table of the translations that are kept under VPIDs. */
  taggedRoot: 0x678,
  /** 1 where interrupts leave the guest, so that they end a halt whatever IF says; 4 bytes. */
  interruptsLeave: 0x680,
  /** 1 where INIT waits for root operation to end; 4 bytes. */
  initHeld: 0x684,
  /**
   * The instruction that made a guest of software's own hypervisor leave last (`vmx/resume-lint.ts`): what is known of it and the exit
   * reason, 4 bytes each; its linear address; the address of the VMCS and the instructions retired when the guest was resumed, float64.
   */
  repeatedExitStage: 0x688,
  repeatedExitReason: 0x68c,
  repeatedExitAddress: 0x690,
  repeatedExitVmcs: 0x698,
  repeatedExitRetired: 0x6a0,
  end: 0x6c0,
} as const;

/** Within a segment's block: selector u16 at 0, access rights u32 at 4, limit u32 (in bytes, G applied) at 8, base u64 at 16. */
export const segmentLayout = { selector: 0, access: 4, limit: 8, base: 16 } as const;
export const segmentBytes = 32;

/** Access rights as in the VMCS: 3:0 type, 4 S, 6:5 DPL, 7 P, 12 AVL, 13 L, 14 D/B, 15 G, 16 unusable. */
export const accessBits = {
  type: 0xf,
  s: 0x10,
  dpl: 0x60,
  p: 0x80,
  l: 0x2000,
  db: 0x4000,
  g: 0x8000,
  unusable: 0x10000,
} as const;

/**
 * The TLB: six direct-mapped banks (supervisor and user; read, write, execute) of `tlbEntries` entries of 16 bytes, chosen
 * by the low bits of the page number `linear >> 12` (arithmetic shift of the canonical 64-bit linear address; unsigned for
 * 32-bit addresses). An entry holds a tag, int64: the page number, or `tlbNone` in its high half; then int32 `addend`:
 * (offset of the byte in WebAssembly memory) - (low 32 bits of linear); then flags: bit 0 global, bits 2:1 size of the page it is
 * part of (0 4 KiB, 1 2 MiB, 2 4 MiB, 3 1 GiB), bit 3 not RAM (then `addend` is the host-physical page number), bits 15:4 the PCID, bits 31:16 the VPID.
 *
 * An entry whose tag matches allows the access without any further work. An entry in a write bank then also means: dirty,
 * no device, no decoded code, not watched. Translations that need more work on every access (devices, guarded pages)
 * carry `tlbGuard` in the tag, so they match only for the slow path: what the TLB holds, stale or not, is the same
 * whatever the engines have decoded or the debugger watches. In the same way `tlbWatch` marks pages with data breakpoints of
 * the debug registers, and `tlbParked` entries of other PCIDs or VPIDs than the present ones, which match for nobody.
 */
export const tlbLayout = { page: 0, addend: 8, flags: 12 } as const;
/**
 * Flags of an empty entry whose last translation is remembered: it was of a page of RAM that nothing guards. Its low tag and its
 * addend are still there, so that translated code may put the same translation back once a walk has found it again.
 */
export const tlbRemembered = 8;
export const tlbEntryBytes = 16;
export const tlbEntries = 4096;
export const tlbBank = {
  supervisorRead: 0,
  supervisorWrite: 1,
  supervisorExecute: 2,
  userRead: 3,
  userWrite: 4,
  userExecute: 5,
} as const;
export const tlbBanks = 6;
export const tlbBytes = tlbBanks * tlbEntries * tlbEntryBytes;
/** High half of the tag of an empty entry, and the bits of it that are inverted to mark others; bits 12:0 are the page's. */
export const tlbNone = 0x7fffffff;
export const tlbGuard = 0x20000000;
export const tlbWatch = 0x10000000;
export const tlbParked = 0x08000000;

/** Where things are in the machine's memory: CPU blocks, TLBs, then host-physical memory from `ramBase` on. */
export const cpuBase = 0;
export const tlbBase = 0x10000;
export const ramBase = 0x100000;
