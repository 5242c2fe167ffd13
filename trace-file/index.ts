/** Traces as files: what is in one, how it is written and how it is read. */
export { fromBase64, toBase64 } from "./base64.ts";
export { readTrace } from "./read.ts";
export * from "./trace.ts";
export { sameValue } from "./values.ts";
export { isTrace, product, TraceTooLarge, writeTrace } from "./write.ts";
