import type { InstructionTree } from "./tree.ts";

/** Words of other assemblers and languages where nasm has other ones, and what to write. */

const section = (name: string): string => `nasm writes “section ${name}”.`;
const leaveOut = "nasm has nothing like it: leave it out.";
const data = (word: string): string => `nasm writes “${word}”.`;
const compare = "Compare with CMP and jump with JE, JNE and the like.";

/** Where an instruction is expected. */
const heads: ReadonlyMap<string, string> = new Map([
  [".code", section(".text")],
  [".text", section(".text")],
  [".data", section(".data")],
  [".data?", section(".bss")],
  [".bss", section(".bss")],
  [".const", section(".rodata")],
  [".section", "nasm writes “section”, without the dot."],
  [".model", leaveOut],
  [".stack", "nasm makes no stack: load SS and SP yourself."],
  ["assume", leaveOut],
  [".intel_syntax", leaveOut],
  ["end", "A nasm source ends where the file ends: leave it out."],
  ["endp", "nasm has no procedures: their name is a label, and RET ends them."],
  ["ends", "nasm ends a structure with “endstruc”, and a section where the next one begins."],
  ["invoke", "Push the arguments, or load the registers, and CALL."],
  ["include", 'nasm writes “%include "file"”.'],
  ["#include", 'nasm writes “%include "file"”.'],
  ["endm", "nasm writes “%endmacro”."],
  [".endm", "nasm writes “%endmacro”."],
  [".macro", "nasm writes “%macro name parameters”."],
  ["rept", "nasm writes “%rep”."],
  [".rept", "nasm writes “%rep”."],
  ["extrn", data("extern")],
  [".extern", data("extern")],
  ["public", data("global")],
  [".global", data("global")],
  [".globl", data("global")],
  [".byte", data("db")],
  [".ascii", data("db")],
  [".asciz", 'nasm writes “db "text", 0”.'],
  [".string", 'nasm writes “db "text", 0”.'],
  [".word", data("dw")],
  [".short", data("dw")],
  [".long", data("dd")],
  [".int", data("dd")],
  [".quad", data("dq")],
  [".align", data("align")],
  [".org", data("org")],
  [".equ", "nasm writes “name equ value”."],
  [".set", "nasm writes “name equ value”."],
  [".code16", data("bits 16")],
  [".code32", data("bits 32")],
  [".code64", data("bits 64")],
  ["if", compare],
  [".if", compare],
  ["while", compare],
  [".while", compare],
  ["for", compare],
  ["goto", data("jmp")],
  ["return", data("ret")],
]);

/** After a name at the start of a line. */
const seconds: ReadonlyMap<string, string> = new Map([
  ["proc", "nasm has no procedures: write the name as a label, with a colon."],
  ["endp", "nasm has no procedures: their name is a label, and RET ends them."],
  ["macro", "nasm writes “%macro name parameters”."],
  ["segment", "nasm writes “section”, and the name after it."],
  ["ends", "nasm ends a structure with “endstruc”, and a section where the next one begins."],
  ["struct", "nasm writes “struc name”."],
  ["byte", data("db")],
  ["word", data("dw")],
  ["dword", data("dd")],
  ["qword", data("dq")],
]);

const processors = /^\.[1-6]86p?$/;

/** What nasm has for a word where an instruction is expected, with a blank before it; empty if nothing is known. */
export function foreignHead(word: string, tree?: InstructionTree): string {
  const lower = word.toLowerCase();
  const [operand] = tree?.operands ?? [];
  const next =
    operand?.words[0] ?? (operand?.kind === "value" && operand.value.kind === "symbol" ? operand.value.name : "");
  const found = heads.get(lower) ?? (processors.test(lower) ? leaveOut : undefined) ?? seconds.get(next.toLowerCase());
  return found === undefined ? "" : ` ${found}`;
}

/** Names that are no symbols of the program, but meant as something else. */
const names: readonly (readonly [name: RegExp, hint: string])[] = [
  [/^[a-f][\da-f]*h$/i, "A hexadecimal number begins with a digit: put a 0 before it."],
  [/^[er]?ip$/i, "The instruction pointer is no operand: jumps load it, and CALL pushes it."],
  [/^[er]?flags$/i, "The flags are no operand: PUSHF and POPF push and pop them."],
  [/^@data$/i, "nasm does not know where the data segment is: load the segment that the program runs in."],
  [/^(offset|ptr)$/i, "nasm has no such word: a name alone is the address, and in brackets the memory there."],
];

/** What is meant by a name that is not defined, with a blank before it; `before` is what stands before it on its line. */
export function foreignName(name: string, before: string): string {
  if (before.includes("//")) return " Comments begin with “;”.";
  const found = names.find(([pattern]) => pattern.test(name));
  return found ? ` ${found[1]}` : "";
}
