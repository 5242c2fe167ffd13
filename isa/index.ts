/** The instruction set: what other folders need of it. */
export type { ByteSource } from "./cursor.ts";
export { type DecodeFailure, decode } from "./decode.ts";
export { type Complaint, type ComplaintCode, type Encoding, encode, type Refusal, select } from "./encode.ts";
export { type FormatOptions, format } from "./format.ts";
export { pseudocode } from "./pseudocode.ts";
export { holes, mnemonics, rows, rowsOf } from "./table.ts";
