/** What conditions and log messages can ask of the event at hand: `event.port`, `event.vector`. */
import type { MachineEvent } from "../emulator/trace/event.ts";
import { describeEvent } from "./event-text.ts";
import type { Expression } from "./expression.ts";

const fieldPattern = /^event(?:\.(?<field>\w+))?$/;

/** Fields that hold hexadecimal digits, of all kinds of events. */
const hexadecimal: ReadonlySet<string> = new Set([
  "rip",
  "qualification",
  "linear",
  "physical",
  "host",
  "cache",
  "at",
  "address",
]);

/** Characters of a text that can be compared with a character constant. */
const longest = 8;

/** Does this name something of an event, rather than of the guest? */
export const namesEvent = (name: string): boolean => fieldPattern.test(name);

/** Is all that an expression asks for in the event? Then it is answered while the guest runs. */
export function asksOnlyEvent(expression: Expression): boolean {
  switch (expression.kind) {
    case "number":
      return true;
    case "name":
      return namesEvent(expression.name);
    case "memory":
    case "translation":
      return false;
    case "unary":
      return asksOnlyEvent(expression.operand);
    case "binary":
      return asksOnlyEvent(expression.left) && asksOnlyEvent(expression.right);
  }
}

const contentOf = (event: MachineEvent, name: string): unknown => {
  const field = fieldPattern.exec(name)?.groups?.["field"];
  return field === undefined ? describeEvent(event) : (event as unknown as Readonly<Record<string, unknown>>)[field];
};

/** A field as text, or the whole event as one line; undefined if the event has no such field. */
export function eventFieldText(event: MachineEvent, name: string): string | undefined {
  const value = contentOf(event, name);
  return value === undefined || typeof value === "string" ? value : JSON.stringify(value);
}

/** As NASM stores a character constant: the first character in the low byte. */
const packed = (text: string): bigint =>
  [...text].reduceRight((value, character) => (value << 8n) | BigInt(character.charCodeAt(0)), 0n);

/** A field as a number; or, as a sentence, why it is none. */
export function eventField(event: MachineEvent, name: string): bigint | string {
  const value = contentOf(event, name);
  const field = name.slice(name.indexOf(".") + 1);
  if (typeof value === "number" && Number.isInteger(value)) return BigInt(value);
  if (typeof value === "boolean") return value ? 1n : 0n;
  if (typeof value === "string" && hexadecimal.has(field)) return BigInt(`0x${value}`);
  if (typeof value === "string" && /^\d+$/.test(value)) return BigInt(value);
  if (typeof value === "string" && value.length <= longest && /^[\x20-\x7e]+$/.test(value)) return packed(value);
  return value === undefined ? `this event (${event.kind}) has no field "${field}"` : `"${name}" is no number`;
}
