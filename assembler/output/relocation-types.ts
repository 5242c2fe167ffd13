import type { OutputFormat } from "../interface.ts";

/** What decides the type of a relocation. */
export interface RelocationShape {
  /** Of the field. */
  readonly bytes: number;
  readonly relative: boolean;
  /** Sign-extended where it is used; else zero-extended. */
  readonly signed: boolean;
  /** What the address is taken with respect to: `..plt`. */
  readonly wrt: string | undefined;
}

/** Numbers by the size of the field in bytes; System V ABI, i386 and AMD64 supplements. */
interface Types {
  readonly absolute?: Readonly<Record<number, number>>;
  readonly relative?: Readonly<Record<number, number>>;
}

const types64: Readonly<Record<string, Types>> = {
  "": { absolute: { 1: 14, 2: 12, 4: 10, 8: 1 }, relative: { 1: 15, 2: 13, 4: 2, 8: 24 } },
  "..sym": { absolute: { 1: 14, 2: 12, 4: 10, 8: 1 } },
  "..plt": { relative: { 4: 4 } },
  "..got": { absolute: { 4: 3, 8: 27 }, relative: { 4: 9 } },
  // nasm 2.16 writes the 32-bit type for eight bytes as well.
  "..gotpc": { absolute: { 4: 26, 8: 26 }, relative: { 4: 9 } },
  "..gotoff": { absolute: { 8: 25 } },
  "..gottpoff": { relative: { 4: 22 } },
};

const types32: Readonly<Record<string, Types>> = {
  "": { absolute: { 1: 22, 2: 20, 4: 1 }, relative: { 1: 23, 2: 21, 4: 2 } },
  "..sym": { absolute: { 1: 22, 2: 20, 4: 1 } },
  "..plt": { relative: { 4: 4 } },
  "..got": { absolute: { 4: 3 } },
  "..gotpc": { absolute: { 4: 10 } },
  "..gotoff": { absolute: { 4: 9 } },
  "..tlsie": { absolute: { 4: 15 } },
};

const signed32 = 11;

const typesOf = (bits: 32 | 64) => (bits === 64 ? types64 : types32);

/** The number of a relocation, or undefined if the format has none for it. */
export function relocationType({ bytes, relative, signed, wrt }: RelocationShape, bits: 32 | 64): number | undefined {
  if (bits === 64 && bytes === 4 && signed && !relative && !wrt) return signed32;
  return typesOf(bits)[wrt ?? ""]?.[relative ? "relative" : "absolute"]?.[bytes];
}

/** Why an address cannot be taken with respect to something; undefined if it can. */
export function wrtFault(base: string, format: OutputFormat): string | undefined {
  if (format === "bin") return "A flat binary has no segment bases; “wrt” cannot be used.";
  const known = Object.keys(typesOf(format === "elf32" ? 32 : 64)).filter((name) => name !== "");
  return known.includes(base) ? undefined : `In this format “wrt” is followed by ${known.join(", ")}.`;
}

/** Such a relocation names a symbol itself; others count from the section where the symbol is. */
export const namesSymbol = (wrt: string | undefined, bits: 32 | 64): boolean =>
  wrt !== undefined && wrt !== "..gotoff" && wrt !== "..gotpc" && (bits === 64 || wrt !== "..plt");

/** Such a relocation cannot have a distance from the symbol in it. */
export const isExact = (wrt: string | undefined, bits: 32 | 64): boolean => wrt !== "..sym" && namesSymbol(wrt, bits);
