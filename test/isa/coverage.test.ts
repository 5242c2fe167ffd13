import { Code, CpuidFeature, EncodingKind, Instruction, Mnemonic } from "iced-x86";
import { describe, expect, it } from "vitest";
import { mnemonics } from "../../isa/table.ts";

/** What iced knows and the table has no row for, by iced's names of extensions, with the reason. */
const leftOut: readonly (readonly [features: string, because: string])[] = [
  ["AVX\\w*|F16C|FMA4?|XOP|VAES|VPCLMULQDQ|AMX_\\w+|KNC\\w*|SM[34]|SHA512|GFNI", "vector registers beyond SSE3"],
  ["SSSE3|SSE4_1|SSE4_2|SSE4A|AES|SHA|PCLMULQDQ|AESKLE|WIDE_KL|KL|D3NOW|D3NOWEXT", "vector instructions after SSE3"],
  ["MPX", "bound registers, which Intel has given up; without them the encodings are no-operations"],
  ["TBM|LWP|FMA4", "AMD has given them up"],
  ["CYRIX_\\w+|CENTAUR_AIS|CL1INVMB|UDBG", "processors of one maker, long ago"],
  ["PADLOCK_\\w+|ZALLOC|TSE|GMI", "VIA's and Zhaoxin's"],
  [
    "IA64|INTEL8086_ONLY|INTEL286_ONLY|INTEL386_ONLY|INTEL386_A0_ONLY|INTEL386486_ONLY|INTEL486_A_ONLY|UMOV",
    "gone since",
  ],
  ["FPU287XL_ONLY|FPU387SL_ONLY|PCOMMIT", "gone since"],
  ["FRED|LKGS|TDX|PBNDKB|PREFETCHITI", "later than nasm 2.16"],
  ["INVLPGB|MCOMMIT|RDPRU|RMPQUERY|RMPREAD|SEV_ES|SEV_SNP", "AMD's, and not in nasm 2.16 or wrong there"],
  ["RAO_INT", "of its four instructions AOR is not in nasm 2.16"],
  ["ENQCMD", "nasm 2.16 writes an address-size prefix that changes the address"],
  ["PTWRITE", "nasm 2.16 leaves out its mandatory prefix"],
];

/** Names of iced for what we call otherwise. */
const otherNames =
  /^(reservednop|wait|fstdw|fstsg|fnstdw|fnstsg|fsetpm|fnsetpm|frstpm|sysretq|sysexitq|getsecq|fstpnce|undoc)$/;

interface Missing {
  readonly mnemonic: string;
  readonly features: string;
}

function* withoutRow(): Generator<Missing> {
  const known = new Set(mnemonics);
  for (const code of Object.values(Code)) {
    if (typeof code !== "number") continue;
    const instruction = new Instruction();
    instruction.code = code;
    const info = instruction.opCode;
    const { isInstruction, encoding } = info;
    const mnemonic = (Mnemonic[instruction.mnemonic] ?? "?").toLowerCase();
    const features = [...instruction.cpuidFeatures()].map((feature) => CpuidFeature[feature] ?? "?").join(" ");
    info.free();
    instruction.free();
    const ours = encoding === EncodingKind.Legacy || encoding === EncodingKind.VEX;
    if (isInstruction && ours && !known.has(mnemonic)) yield { mnemonic, features };
  }
}

describe("every instruction of iced's legacy and VEX encodings has a row", () => {
  const missing = [...withoutRow()].filter(({ mnemonic }) => !otherNames.test(mnemonic));
  const isOf = (pattern: string, { features }: Missing): boolean =>
    features.split(" ").some((feature) => new RegExp(`^(${pattern})$`).test(feature));

  it("but those that are left out on purpose", () => {
    const unexplained = missing.filter((one) => !leftOut.some(([pattern]) => isOf(pattern, one)));
    expect(unexplained.map(({ mnemonic, features }) => `${mnemonic} (${features})`)).toEqual([]);
  });

  it("and each of those reasons holds for some", () => {
    expect(leftOut.filter(([pattern]) => !missing.some((one) => isOf(pattern, one)))).toEqual([]);
  });
});
