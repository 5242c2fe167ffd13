/** The instruction set: what other folders need of it. */
export { decode } from "./decode.ts";
export { encode, select } from "./encode.ts";
export { format } from "./format.ts";
export { pseudocode } from "./pseudocode.ts";
export { holes, mnemonics, rows, rowsOf } from "./table.ts";
