/** DWARF attribute forms (DWARF 5, section 7.5.5): how a value of each is read or passed over. */
import { Cursor } from "./cursor.ts";

/** The string sections that a form may point into; an absent one reads as empty texts. */
export interface StringSections {
  readonly strings: Uint8Array | undefined;
  readonly lineStrings: Uint8Array | undefined;
}

export interface Unit {
  readonly wide: boolean;
  readonly addressBytes: number;
  readonly version: number;
}

export type Value = string | number | undefined;

const textAt = (section: Uint8Array | undefined, at: number): string =>
  section && at < section.length ? new Cursor(section, at).text() : "";

const fixedSizes: Readonly<Record<number, number>> = {
  5: 2, // data2
  11: 1, // data1
  12: 1, // flag
  17: 1, // ref1
  18: 2, // ref2
  19: 4, // ref4
  20: 8, // ref8
  25: 0, // flag_present
  28: 4, // ref_sup4
  30: 16, // data16
  32: 8, // ref_sig8
  33: 0, // implicit_const: the value is in the abbreviation
  36: 8, // ref_sup8
  37: 1, // strx1
  38: 2, // strx2
  39: 3, // strx3
  40: 4, // strx4
  41: 1, // addrx1
  42: 2, // addrx2
  43: 3, // addrx3
  44: 4, // addrx4
};
/** Forms whose value is one LEB128 number: udata, ref_udata and indices. */
const lebs = new Set([15, 21, 26, 27, 34, 35]);

const offsetBytes = ({ wide }: Unit): number => (wide ? 8 : 4);

/** Forms of a length that the value itself or the unit tells. Their values are passed over. */
const lengths: Readonly<Record<number, (cursor: Cursor, unit: Unit) => number>> = {
  3: (cursor) => cursor.u16(), // block2
  4: (cursor) => cursor.u32(), // block4
  9: (cursor) => cursor.uleb(), // block
  10: (cursor) => cursor.u8(), // block1
  16: (_, unit) => (unit.version === 2 ? unit.addressBytes : offsetBytes(unit)), // ref_addr
  24: (cursor) => cursor.uleb(), // exprloc
  29: (_, unit) => offsetBytes(unit), // strp_sup
};

/** Reads a value: texts and numbers of the forms that line tables and units use, undefined for what is passed over. */
export function readForm(cursor: Cursor, form: number, unit: Unit, sections: StringSections): Value {
  switch (form) {
    case 8: // string
      return cursor.text();
    case 14: // strp
      return textAt(sections.strings, cursor.offset(unit.wide));
    case 31: // line_strp
      return textAt(sections.lineStrings, cursor.offset(unit.wide));
    case 6: // data4
      return cursor.u32();
    case 7: // data8
      return Number(cursor.u64());
    case 23: // sec_offset
      return cursor.offset(unit.wide);
    case 1: // addr
      return Number(cursor.unsigned(unit.addressBytes));
    case 13: // sdata
      return cursor.sleb();
    default:
      return skipOrCount(cursor, form, unit);
  }
}

function skipOrCount(cursor: Cursor, form: number, unit: Unit): Value {
  if (lebs.has(form)) return cursor.uleb();
  const size = fixedSizes[form] ?? lengths[form]?.(cursor, unit);
  if (size === undefined) throw new RangeError(`form ${form} is unknown.`);
  if (size > 0 && size <= 4 && form in fixedSizes) return Number(cursor.unsigned(size));
  cursor.skip(size);
  return undefined;
}
