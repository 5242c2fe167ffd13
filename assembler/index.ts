export { assemble } from "./assemble.ts";
export { Assembler } from "./assembler.ts";
export { type DisassembledLine, disassemble } from "./disassembly.ts";
export { assembleFetching, FetchingAssembler } from "./fetching.ts";
export type * from "./interface.ts";
export { lineMap } from "./lines.ts";
export { type FileBytes, type FileText, fileReason, isMissing, type Unreadable, unread } from "./text-file.ts";
