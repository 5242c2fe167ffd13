import { expect, it } from "vitest";
import { type Assembly, assemble, lineMap } from "../../assembler/index.ts";

const read = (name: string) =>
  name === "lib/constants.inc"
    ? { file: "/home/lib/constants.inc", text: "COM1 equ 3F8h\n%define TWICE(x) ((x) * 2)\n" }
    : undefined;

const source = `%include "lib/constants.inc"
%pragma ringside mode real
%pragma ringside technique vtx-ept
%pragma ringside memory 4
%pragma ringside ends halted
%pragma ringside output "Hi\\n"
  org 7C00h
main:
.loop:  mov dx, COM1
        mov al, TWICE(3)
        nonsense here
        rep movsb
        jmp .loop
times 2 in al, dx
.data:  dw main, \\
           .loop
        section .bss
buffer: resb 16`;

const assembly = assemble({ file: "main.asm", text: source, read });
const at = ({ file, line, start, end }: Assembly["references"][number]["range"]) => `${file}:${line}:${start}-${end}`;

it("symbols have their full names, kinds, values and places, in a file with errors too", () => {
  const found = [...assembly.symbols.values()].map(
    ({ name, kind, value, range }) => `${name} ${kind} ${value?.toString(16) ?? "-"} ${at(range)}`,
  );
  expect(found).toEqual([
    "COM1 equ 3f8 /home/lib/constants.inc:0:0-4",
    "main label 7c00 main.asm:7:0-4",
    "main.loop label 7c00 main.asm:8:0-5",
    "main.data label 7c0b main.asm:14:0-5",
    "buffer label 7c10 main.asm:17:0-6",
    "TWICE define - /home/lib/constants.inc:1:8-13",
  ]);
});

it("references name the symbol in full, over joined lines and through macros", () => {
  expect(assembly.references.map(({ name, range }) => `${name} ${at(range)}`).sort()).toEqual([
    "COM1 main.asm:8:16-20",
    "TWICE main.asm:9:16-21",
    "here main.asm:10:17-21",
    "main main.asm:14:11-15",
    "main.loop main.asm:12:12-17",
    "main.loop main.asm:15:11-16",
  ]);
});

it("every instruction is mentioned once, with its row if it has one", () => {
  expect(assembly.mentions.map(({ mnemonic, row, range }) => `${mnemonic} ${row?.syntax ?? "-"} ${at(range)}`)).toEqual(
    [
      "mov MOV r16, imm16 main.asm:8:8-20",
      "mov MOV r8, imm8 main.asm:9:8-24",
      "nonsense - main.asm:10:8-21",
      "movsb MOVSB main.asm:11:8-17",
      "jmp JMP rel8 main.asm:12:8-17",
      "in IN AL, DX main.asm:13:8-17",
    ],
  );
  expect(assembly.mentions.map(({ mnemonicRange }) => at(mnemonicRange))[3]).toBe("main.asm:11:12-17");
});

it("the line map goes both ways, and a repeated instruction is as many items", () => {
  const map = lineMap(assembly);
  expect(map.addresses("main.asm", 13)).toEqual([0x7c09, 0x7c0a]);
  expect(map.at(0x7c01)?.range.line).toBe(8);
  expect(map.at(0x7c0a)?.decoded?.row.syntax).toBe("IN AL, DX");
  expect(map.at(0x7bff)).toBeUndefined();
  expect(map.nextLineWithCode("main.asm", 9)).toBe(9);
  expect(map.nextLineWithCode("main.asm", 10)).toBe(11);
  expect(map.nextLineWithCode("other.asm", 0)).toBeUndefined();
});

it("settings and includes are read", () => {
  expect(assembly.settings).toEqual({
    mode: "real",
    technique: "vtx-ept",
    memory: 4,
    ends: "halted",
    output: "Hi\n",
  });
  expect(assembly.includes.map(({ range, file }) => `${at(range)} ${file}`)).toEqual([
    "main.asm:0:9-28 /home/lib/constants.inc",
  ]);
  expect(assembly).toMatchObject({ origin: 0x7c00, bits: 16 });
});

it("a definition given from outside is a macro, and include paths are tried in order", () => {
  const asked: string[] = [];
  const { bytes, problems } = assemble({
    file: "a.asm",
    text: '%include "b.inc"\ndb LEVEL\n',
    defines: { LEVEL: "7" },
    includePaths: ["first", "second/"],
    read: (path) => {
      asked.push(path);
      return path === "second/b.inc" ? { file: path, text: "db 1\n" } : undefined;
    },
  });
  expect(problems).toEqual([]);
  expect([...bytes]).toEqual([1, 7]);
  expect(asked).toEqual(["b.inc", "first/b.inc", "second/b.inc"]);
});
