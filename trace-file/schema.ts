import type { Schema } from "../emulator/machine-file/schema.ts";

const text: Schema = { type: "string" };
const count: Schema = { type: "integer", minimum: 0 };
const hexadecimal = (description: string): Schema => ({ type: "string", pattern: "^[\\da-f]+$", description });
const anything: Schema = { type: "object" };
const object = (properties: Record<string, Schema>, optional: readonly string[] = []): Schema => ({
  type: "object",
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
});
const list = (items: Schema): Schema => ({ type: "array", items });

const event = object(
  {
    sequence: count,
    cycle: count,
    step: count,
    vm: text,
    vcpu: count,
    rip: hexadecimal("A hexadecimal number"),
    kind: text,
    text,
    reason: text,
    cost: count,
    why: text,
    source: object({ file: text, line: count }),
  },
  ["reason", "cost", "why", "source"],
);

const exits = object({ reason: text, count, cost: count });

/** A trace file. What is packed in it (`values.ts`) is checked when it is unpacked, the configuration by the machine. */
export const traceSchema: Schema = object(
  {
    format: text,
    version: count,
    product: text,
    title: text,
    note: text,
    configuration: anything,
    actions: list(object({ step: count, sequence: count, what: anything })),
    moment: object({ step: count, sequence: count, cycle: count, ended: { type: "boolean" }, place: text }),
    state: object({
      vm: text,
      vcpu: count,
      registers: anything,
      memory: hexadecimal("A hexadecimal number"),
      rest: hexadecimal("A hexadecimal number"),
    }),
    program: object({ arguments: anything, files: anything }),
    summary: object({ exits: list(exits), events: list(event) }),
    blobs: list(anything),
  },
  ["note", "program"],
);
