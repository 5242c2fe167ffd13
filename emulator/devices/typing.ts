import { cyclesPerSecond } from "../time/costs.ts";
import { type Key, keyBytes, keyOf, keys } from "./key-codes.ts";

/** A piece of typing: what the keyboard sends, `wait` cycles of virtual time after the piece before. */
export interface Stroke {
  readonly wait: number;
  readonly bytes: readonly number[];
}

/** Between two changes of a key: 5 ms, a fast typist. */
const pace = cyclesPerSecond / 200;
const modifiers = new Set(["shift", "ctrl", "alt", "rightshift", "rightctrl", "altgr"]);

const press = (key: Key, held: readonly Key[]): Stroke[] => [
  ...held.map((modifier) => ({ wait: pace, bytes: keyBytes(modifier, true) })),
  { wait: pace, bytes: keyBytes(key, true) },
  { wait: pace, bytes: keyBytes(key, false) },
  ...held.toReversed().map((modifier) => ({ wait: pace, bytes: keyBytes(modifier, false) })),
];

/** "ctrl+alt+delete" as keys: those held, and the one pressed; a sentence if one is unknown. */
function chord(text: string): Stroke[] | string {
  const names = text.toLowerCase().split(/(?<=.)\+/);
  const found = names.map((name) => keys.get(name));
  const unknown = names.find((_, n) => !found[n]);
  if (unknown !== undefined)
    return `There is no key {${unknown}}; there are ${[...keys.keys()].filter((name) => name.length > 1).join(", ")}.`;
  const last = names.at(-1)!;
  const notHeld = names.slice(0, -1).find((name) => !modifiers.has(name));
  if (notHeld !== undefined) return `{${text}}: ${notHeld} is not held down; ${[...modifiers].join(", ")} are.`;
  return press(keys.get(last)!, found.slice(0, -1) as Key[]);
}

function command(text: string): Stroke[] | string {
  const wait = /^wait (\d+)$/i.exec(text);
  if (wait) return [{ wait: Math.round((Number(wait[1]) * cyclesPerSecond) / 1000), bytes: [] }];
  return chord(text);
}

/**
 * Text as strokes of a US keyboard. In braces: keys by name, `{enter}`, `{ctrl+c}`; `{wait 500}` waits for 500 ms of virtual
 * time; `{{` is a brace. A sentence for the user if something in it cannot be typed.
 */
export function strokesOf(text: string): readonly Stroke[] | string {
  const strokes: Stroke[] = [];
  for (const [piece, inside] of text.replaceAll("\r\n", "\n").matchAll(/\{(?!\{)([^}]*)\}|\{\{|[^{]/gu)) {
    if (inside !== undefined) {
      const made = command(inside);
      if (typeof made === "string") return made;
      strokes.push(...made);
      continue;
    }
    const character = piece === "{{" ? "{" : piece === "\r" ? "\n" : piece;
    const typed = keyOf(character);
    if (!typed) return `“${character}” is not on the keyboard.`;
    strokes.push(...press(typed.key, typed.shift ? [keys.get("shift")!] : []));
  }
  return strokes;
}
