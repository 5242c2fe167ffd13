/** The families of the table; one file of rows each, under `instructions/`. */
export const families = [
  "data-movement",
  "arithmetic",
  "logic",
  "shift",
  "bit",
  "control-flow",
  "stack",
  "string",
  "flag",
  "segment",
  "io",
  "system",
  "vmx",
  "x87",
  "mmx",
  "sse",
  "sse2",
  "sse3",
] as const;
export type Family = (typeof families)[number];
