/** Of `.debug_info` only each unit's first entry is read: where its line program is, and the folder it was compiled in. */
import { Cursor } from "./cursor.ts";
import { readForm, type StringSections, type Value } from "./forms.ts";

const attribute = { statementList: 0x10, directory: 0x1b } as const;
const implicitConst = 33;
const indirect = 22;
/** Unit types of DWARF 5 whose headers have 8 more bytes (skeleton, split) or 8 and an offset (types). */
const longHeaders = new Set([4, 5]);
const typeHeaders = new Set([2, 6]);

/** Folder of compilation by offset of the line program in `.debug_line`. @throws RangeError if a section is damaged */
export function readDirectories(info: Uint8Array, abbreviations: Uint8Array, sections: StringSections) {
  const directories = new Map<number, string>();
  const cursor = new Cursor(info);
  while (cursor.at < info.length) {
    const { length, wide } = cursor.unitLength();
    const end = cursor.at + length;
    const version = cursor.u16();
    if (version >= 2 && version <= 5) readUnit(cursor, { version, wide, abbreviations, sections }, directories);
    cursor.at = end;
  }
  return directories;
}

interface Context {
  readonly version: number;
  readonly wide: boolean;
  readonly abbreviations: Uint8Array;
  readonly sections: StringSections;
}

function readUnit(cursor: Cursor, context: Context, directories: Map<number, string>): void {
  const { version, wide, abbreviations, sections } = context;
  const type = version >= 5 ? cursor.u8() : 0;
  const early = version >= 5 ? cursor.u8() : 0;
  const table = cursor.offset(wide);
  const addressBytes = version >= 5 ? early : cursor.u8();
  if (longHeaders.has(type)) cursor.skip(8);
  if (typeHeaders.has(type)) cursor.skip(8 + (wide ? 8 : 4));
  const unit = { wide, addressBytes, version };
  const values = new Map<number, Value>();
  for (const [name, form] of attributesOf(abbreviations, table, cursor.uleb())) {
    const actual = form === indirect ? cursor.uleb() : form;
    values.set(name, readForm(cursor, actual, unit, sections));
  }
  const lines = values.get(attribute.statementList);
  const directory = values.get(attribute.directory);
  if (typeof lines === "number" && typeof directory === "string") directories.set(lines, directory);
}

/** Attributes and forms of an abbreviation; none if the table lacks it. */
function attributesOf(section: Uint8Array, table: number, wanted: number): readonly (readonly [number, number])[] {
  const cursor = new Cursor(section, table);
  for (;;) {
    const code = cursor.uleb();
    if (code === 0) return [];
    cursor.uleb();
    cursor.skip(1);
    const attributes: [number, number][] = [];
    for (;;) {
      const [name, form] = [cursor.uleb(), cursor.uleb()];
      if (form === implicitConst) cursor.sleb();
      if (name === 0 && form === 0) break;
      attributes.push([name, form]);
    }
    if (code === wanted) return attributes;
  }
}
