import type { Assembly, Problem } from "../../assembler/index.ts";
import type { Row } from "../../isa/instruction.ts";
import { type NamedConstant, namedConstants } from "../analysis/named-memory.ts";

/** Tables by their names: what an entry must not be, in the order of the checks. */
interface Format {
  readonly name: RegExp;
  readonly check: (entry: NamedConstant) => string | undefined;
}

/** Bytes of four tables in a row. */
const most = 0x4000;
const large = 0x80n;
const pageTable = 0x1000;

const hex = (value: bigint): string => `${value.toString(16).toUpperCase()}h`;

/** Names of the root: of tables in a row the first page is the PML4. */
const isRoot = /^_?ept$|root|pml4/i;

/** In EPT PML4Es bits 7:3 are reserved. */
function badExtended({ value, offset, symbol }: NamedConstant): string | undefined {
  const rights = value & 7n;
  const is = `An EPT entry ${hex(value)}`;
  if (value !== 0n && (rights === 2n || rights === 6n))
    return `${is} is writable and not readable: an EPT misconfiguration (exit 49). Set bit 0 too. (SDM Vol. 3, EPT Misconfigurations.)`;
  if (rights === 0n) return undefined;
  if (isRoot.test(symbol.name) && offset < pageTable && (value & 0xf8n) !== 0n)
    return `${is} of the PML4 has reserved bits set (bits 7:3): an EPT misconfiguration (exit 49). (SDM Vol. 3, Format of an EPT PML4 Entry.)`;
  const type = (value >> 3n) & 7n;
  if ((value & large) !== 0n && (type === 2n || type === 3n || type === 7n))
    return `${is} has memory type ${type}, which is reserved: an EPT misconfiguration (exit 49). Use 6 (write-back) or 0. (SDM Vol. 3, EPT Misconfigurations.)`;
  return undefined;
}

const isFourthLevel = /pml4/i;

/** An entry with an address and rights, but without P; PS where it is reserved; a large page that is not aligned. */
function badOrdinary({ value, symbol, offset, width }: NamedConstant): string | undefined {
  const is = `A page-table entry ${hex(value)}`;
  if ((value & 1n) === 0n)
    return (value & 2n) !== 0n && value >> 12n !== 0n
      ? `${is} has an address and rights, but is not present: every access faults (#PF). Set bit 0. (SDM Vol. 3, Paging.)`
      : undefined;
  if ((value & large) === 0n) return undefined;
  if (isFourthLevel.test(symbol.name) && offset < pageTable)
    return `${is} of the PML4 has PS set, which is reserved there: every access faults (#PF, error bit 3). (SDM Vol. 3, Format of a PML4 Entry.)`;
  const isPageDirectoryOfLongMode = width === 64 && /pd(e|t)?$|dir/i.test(symbol.name);
  return isPageDirectoryOfLongMode && (value & 0x1f_e000n) !== 0n
    ? `${is} maps a 2 MiB page, but the address is not a multiple of 2 MiB: bits 20:13 are reserved (#PF, error bit 3). (SDM Vol. 3, Format of a Page-Directory Entry that Maps a 2-MByte Page.)`
    : undefined;
}

const formats: readonly Format[] = [
  { name: /ept/i, check: badExtended },
  { name: /pml4|pdpt|page_?(dir|table)|^pd$|^directory$/i, check: badOrdinary },
];

/** Where a right is all that is missing, one is added to the constant as written. */
const fixesOf = ({ range, isAlone }: NamedConstant, message: string): Problem["fixes"] =>
  isAlone && message.includes("Set bit 0")
    ? [{ title: "Set bit 0", edits: [{ range: { ...range, start: range.end }, text: " + 1" }] }]
    : undefined;

const enters = ({ mnemonic, operands: [to] }: Row): boolean =>
  mnemonic === "invept" || mnemonic === "vmlaunch" || (mnemonic === "mov" && to?.kind === "control");

/**
 * Constants in the page tables of a program, stored or defined, ordinary and extended, where the processor will not take them. Tables
 * are known by their names, and looked for only in programs that load control registers or launch guests.
 */
export function badTableEntry(assembly: Assembly): Problem[] {
  if (assembly.mentionsOf(enters).length === 0) return [];
  return formats.flatMap(({ name, check }) =>
    namedConstants(assembly, name, most).flatMap((entry): Problem[] => {
      const message = check(entry);
      if (message === undefined) return [];
      const { range } = entry;
      const fixes = fixesOf(entry, message);
      return [{ code: "bad-table-entry", severity: "warning", message, range, ...(fixes && { fixes }) }];
    }),
  );
}
