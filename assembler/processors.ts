import type { Row } from "../isa/instruction.ts";

/** The processors of `cpu`, and which instructions each is the first to have; as nasm sees it. */

/** Names by level. All from the highest on have everything. */
const names: readonly string[] = [
  "8086",
  "186 80186 i186",
  "286 80286 i286",
  "386 80386 i386",
  "486 80486 i486",
  "586 pentium i586",
  "686 p6 ppro pentiumpro i686 p2",
  "p3 katmai p4 willamette prescott x64 x86-64 ia64 ia-64 itanium itanic merced default all any latevex",
];

/** The level of the 386, from which on conditional jumps have a near form. */
export const nearConditions = 3;

export const everything = names.length - 1;

/** By name, in lower case. */
export const processors: ReadonlyMap<string, number> = new Map(
  names.flatMap((list, level) => list.split(" ").map((name) => [name, level] as const)),
);

/** The first processor with a level, for people. */
export const processorName = (level: number): string => names[Math.min(level, everything)]!.split(" ")[0]!;

/** The first level that has a mnemonic in any form. */
const mnemonics: readonly string[] = [
  "",
  "bound enter insb insw leave outsb outsw popa popaw pusha pushaw ud0 ud1 ud2",
  "arpl clts ffreep fsetpm lar lgdt lidt lldt lmsw loadall286 lsl ltr sgdt sidt sldt smsw str verr verw",
  `bsf bsr bt btc btr bts cdq cmpsd cwde fcos fprem1 fsin fsincos fucom fucomp fucompp insd int1 icebp iretd jecxz lfs
   lgs loadall lodsd lss movsd movsx movzx outsd popad popfd pushad pushfd scasd shld shrd stosd`,
  "bswap invd invlpg wbinvd xadd",
  "cmpxchg cmpxchg8b cpuid emms prefetch prefetchw rdmsr rdtsc rsm wrmsr",
  `fcomi fcomip fucomi fucomip fxrstor fxsave lzcnt rdpmc syscall sysenter sysexit sysret`,
  `clac cldemote endbr32 endbr64 fisttp invlpga ldmxcsr lfence mfence movbe movnti popcnt prefetchit0 prefetchit1 prefetchnta
   prefetcht0 prefetcht1 prefetcht2 prefetchwt1 rdsspd rdtscp sfence skinit stac stmxcsr tzcnt maskmovq movntq paddq pavgb pavgw
   pextrw pinsrw pmaxsw pmaxub pminsw pminub pmovmskb pmulhuw pmuludq psadbw pshufw psubq`,
];

const byMnemonic: ReadonlyMap<string, number> = new Map(
  mnemonics.flatMap((list, level) =>
    list
      .split(/\s+/)
      .filter((name) => name !== "")
      .map((name) => [name, level] as const),
  ),
);

const shifts = /^(ro|rc|sh|sa)[lr]$/;
/** Extensions that nasm has on every processor. */
const unlimited: ReadonlySet<string> = new Set(["VMX", "SVM", "SMM", "MONITORX"]);

/** What the operands of a form say of it. */
function operandLevel({ mnemonic, syntax, feature }: Row): number {
  const operands = syntax.slice(mnemonic.length);
  if (/xmm|r64|rel64|RAX|:64/.test(operands)) return everything;
  if (/\bmm\b|mm\/m64/.test(operands)) return 5;
  const isWide = /r32|m32|EAX|rel32|:32|ECX/.test(operands) && !/^(f|ud[01]$)/.test(mnemonic);
  if (isWide && !unlimited.has(feature ?? "") && mnemonic !== "crc32") return 3;
  if (mnemonic === "imul" && /,/.test(operands)) return /imm/.test(operands) ? 1 : 3;
  if (shifts.test(mnemonic) && /imm8/.test(operands)) return 1;
  if (mnemonic === "push" && /imm/.test(operands)) return 1;
  if (/^fn?stsw$/.test(mnemonic) && /AX/.test(operands)) return 2;
  return /^(push|pop)$/.test(mnemonic) && /[FG]S/.test(operands) ? 3 : 0;
}

function nameLevel({ mnemonic, syntax, feature }: Row): number {
  const known = byMnemonic.get(mnemonic);
  if (known !== undefined) return known;
  if (/^(f?cmov|hint_nop)/.test(mnemonic) || (mnemonic === "nop" && /r\/m/.test(syntax))) return 6;
  if (/^set/.test(mnemonic) && !feature) return 3;
  return feature === undefined || unlimited.has(feature) || mnemonic === "crc32" ? 0 : everything;
}

const levels = new WeakMap<Row, number>();

/** The first level that has a form of an instruction. */
export function levelOf(row: Row): number {
  let level = levels.get(row);
  if (level === undefined) {
    level = Math.max(operandLevel(row), nameLevel(row));
    levels.set(row, level);
  }
  return level;
}
