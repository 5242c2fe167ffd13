/** The line number program of DWARF 2 to 5 (DWARF 5, section 6.2): which addresses come from which source lines. */
import { Cursor } from "./cursor.ts";
import { readForm, type StringSections, type Unit } from "./forms.ts";

/** Addresses from `start` up to `end` (exclusive) come from this line. */
export interface LineRange {
  readonly start: bigint;
  readonly end: bigint;
  readonly file: string;
  /** Folder of the compilation; "" if it is not known. */
  readonly directory: string;
  /** 0-based. */
  readonly line: number;
  /** A good place for a breakpoint. */
  readonly statement: boolean;
}

interface Header {
  readonly unit: Unit;
  readonly minimumLength: number;
  readonly defaultStatement: boolean;
  readonly lineBase: number;
  readonly lineRange: number;
  readonly opcodeLengths: readonly number[];
  readonly files: readonly string[];
  readonly directory: string;
}

/** Directory of a unit whose line program starts at an offset in `.debug_line`. Needed before DWARF 5. */
export type DirectoryOf = (offset: number) => string | undefined;

/** All line ranges of a `.debug_line` section, unit by unit. @throws RangeError if it is damaged */
export function readLines(section: Uint8Array, sections: StringSections, directoryOf: DirectoryOf): LineRange[] {
  const cursor = new Cursor(section);
  const ranges: LineRange[] = [];
  while (cursor.at < section.length) {
    const start = cursor.at;
    const { length, wide } = cursor.unitLength();
    const end = cursor.at + length;
    const header = readHeader(cursor, { wide, sections, directory: directoryOf(start) ?? "" });
    if (header) runProgram(cursor, end, header, ranges);
    cursor.at = end;
  }
  return ranges;
}

interface Origin {
  readonly wide: boolean;
  readonly sections: StringSections;
  readonly directory: string;
}

/** Undefined for a version that is not known: its lines are left out. */
function readHeader(cursor: Cursor, { wide, sections, directory }: Origin): Header | undefined {
  const version = cursor.u16();
  if (version < 2 || version > 5) return undefined;
  const addressBytes = version >= 5 ? cursor.u8() : 8;
  if (version >= 5) cursor.skip(1);
  const programStart = cursor.offset(wide) + cursor.at;
  const minimumLength = cursor.u8();
  if (version >= 4) cursor.skip(1);
  const defaultStatement = cursor.u8() !== 0;
  const lineBase = cursor.i8();
  const lineRange = cursor.u8();
  const opcodeLengths = Array.from({ length: cursor.u8() - 1 }, () => cursor.u8());
  const unit = { wide, addressBytes, version };
  const names = version >= 5 ? readFiles5(cursor, unit, sections) : readFiles2(cursor, directory);
  cursor.at = programStart;
  return { unit, minimumLength, defaultStatement, lineBase, lineRange, opcodeLengths, ...names };
}

const joined = (directory: string, name: string): string =>
  name.startsWith("/") || /^[A-Za-z]:[\\/]/.test(name) || directory === "" ? name : `${directory}/${name}`;

/** Files are numbered from 1, directories too; directory 0 is that of the compilation. */
function readFiles2(cursor: Cursor, directory: string): Pick<Header, "files" | "directory"> {
  const directories = [directory];
  for (let text = cursor.text(); text !== ""; text = cursor.text()) directories.push(joined(directory, text));
  const files = [""];
  for (let name = cursor.text(); name !== ""; name = cursor.text()) {
    files.push(joined(directories[cursor.uleb()] ?? "", name));
    cursor.uleb();
    cursor.uleb();
  }
  return { files, directory };
}

const contentType = { path: 1, directory: 2 } as const;

function readFiles5(cursor: Cursor, unit: Unit, sections: StringSections): Pick<Header, "files" | "directory"> {
  const entries = () => {
    const formats = Array.from({ length: cursor.u8() }, () => [cursor.uleb(), cursor.uleb()] as const);
    return Array.from({ length: cursor.uleb() }, () => {
      const entry = { path: "", directory: 0 };
      for (const [type, form] of formats) {
        const value = readForm(cursor, form, unit, sections);
        if (type === contentType.path && typeof value === "string") entry.path = value;
        if (type === contentType.directory && typeof value === "number") entry.directory = value;
      }
      return entry;
    });
  };
  const directories = entries().map(({ path }) => path);
  const [root = ""] = directories;
  const files = entries().map(({ path, directory }) => joined(joined(root, directories[directory] ?? ""), path));
  return { files, directory: root };
}

/** The registers of the line number state machine that matter here. */
interface State {
  address: bigint;
  file: number;
  line: number;
  statement: boolean;
}

function runProgram(cursor: Cursor, end: number, header: Header, ranges: LineRange[]): void {
  const initial = (): State => ({ address: 0n, file: 1, line: 1, statement: header.defaultStatement });
  let state = initial();
  let row: State | undefined;
  const emit = () => {
    if (row && row.address < state.address && row.line > 0)
      ranges.push({
        start: row.address,
        end: state.address,
        file: header.files[row.file] ?? "",
        directory: header.directory,
        line: row.line - 1,
        statement: row.statement,
      });
    row = { ...state };
  };
  while (cursor.at < end) {
    const opcode = cursor.u8();
    if (opcode > header.opcodeLengths.length) {
      special(state, opcode - header.opcodeLengths.length - 1, header);
      emit();
    } else if (opcode > 0) {
      if (standard(cursor, state, opcode, header) === "row") emit();
    } else if (extended(cursor, state) === "end") {
      emit();
      row = undefined;
      state = initial();
    }
  }
}

function special(state: State, opcode: number, { minimumLength, lineBase, lineRange }: Header): void {
  state.address += BigInt(Math.floor(opcode / lineRange) * minimumLength);
  state.line += lineBase + (opcode % lineRange);
}

function standard(cursor: Cursor, state: State, opcode: number, header: Header): "row" | undefined {
  const { minimumLength, lineRange, opcodeLengths } = header;
  switch (opcode) {
    case 1: // copy
      return "row";
    case 2: // advance_pc
      state.address += BigInt(cursor.uleb() * minimumLength);
      return undefined;
    case 3: // advance_line
      state.line += cursor.sleb();
      return undefined;
    case 4: // set_file
      state.file = cursor.uleb();
      return undefined;
    case 6: // negate_stmt
      state.statement = !state.statement;
      return undefined;
    case 8: // const_add_pc: as special opcode 255, without a row
      state.address += BigInt(Math.floor((254 - opcodeLengths.length) / lineRange) * minimumLength);
      return undefined;
    case 9: // fixed_advance_pc
      state.address += BigInt(cursor.u16());
      return undefined;
    default: // column, basic block, prologue and epilogue marks, ISA, and what later versions add
      for (let n = 0; n < opcodeLengths[opcode - 1]!; n++) cursor.uleb();
      return undefined;
  }
}

function extended(cursor: Cursor, state: State): "end" | undefined {
  const length = cursor.uleb();
  const end = cursor.at + length;
  const opcode = length > 0 ? cursor.u8() : 0;
  if (opcode === 2) state.address = cursor.unsigned(length - 1); // set_address
  cursor.at = end;
  return opcode === 1 ? "end" : undefined;
}
