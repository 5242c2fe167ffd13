export { assemble } from "./assemble.ts";
export type * from "./interface.ts";
export { lineMap } from "./lines.ts";
