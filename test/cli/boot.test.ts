import { expect, it } from "vitest";
import { assemble } from "../../assembler/index.ts";
import { terminal } from "./terminal.ts";

/** Prints what COM1 sends, then a key, and writes both to sector 2 of its disk. */
const source = `
  bits 16
  org 7C00h
  mov dx, 3F8h
  in al, dx
  call put
  mov ah, 0
  int 16h
  call put
  mov ax, 0301h
  mov bx, 9000h
  mov cx, 2
  mov dx, 0
  int 13h
  cli
  hlt
put:
  mov bx, [at]
  mov [bx], al
  inc word [at]
  mov ah, 0Eh
  int 10h
  ret
at: dw 9000h
  times 510 - ($ - $$) db 0
  dw 0AA55h
`;
const image = assemble({ file: "a.asm", text: source }).bytes;
const args = ["run", "a.img", "--technique", "bare-metal", "--serial", "S", "--keys", "k"];

it("boots an image and prints its screen", async () => {
  const { code, out } = await terminal(args, { "a.img": image });
  expect(code).toBe(0);
  expect(out).toMatch(/^screen:\n\| Sk\n— halted: /);
});

it("gives the screen as JSON", async () => {
  const { out } = await terminal([...args, "--json"], { "a.img": image });
  expect(JSON.parse(out)).toMatchObject({ screen: ["Sk"], stopped: { reason: "halted" } });
});

it("boots a source that is a boot sector", async () => {
  const { out } = await terminal(["run", "a.asm", ...args.slice(2)], { "a.asm": source });
  expect(out).toMatch(/^screen:\n\| Sk\n/);
});

it("saves the disk where it is told to, and nowhere else", async () => {
  const before = image.slice();
  const { written } = await terminal([...args, "--save-disk", "b.img"], { "a.img": image });
  expect([...written.keys()]).toEqual(["b.img"]);
  expect(written.get("b.img")!.subarray(0, 512)).toEqual(before);
  expect(new TextDecoder().decode(written.get("b.img")!.subarray(512, 514))).toBe("Sk");
  expect((await terminal(args, { "a.img": image })).written.size).toBe(0);
  expect(image).toEqual(before);
});

it("types standard input into the serial port", async () => {
  const line = args.map((word) => (word === "S" ? "-" : word));
  expect((await terminal(line, { "a.img": image })).out).toMatch(/^screen:\n\| tk\n/);
});

it.each([
  [["run", "a.img", "--boot", "tape"], /--boot needs one of floppy, disk, none/],
  [["run", "empty.img"], /not bootable/],
  [["run", "b.asm", "--save-disk", "c.img"], /did not boot from a disk/],
  [["run", "a.img", "--date", "yesterday"], /The date must be/],
])("refuses %j", async (line, message) => {
  const files = { "a.img": image, "empty.img": new Uint8Array(512), "b.asm": "hlt\n" };
  const { code, error } = await terminal([...line, "--technique", "bare-metal"], files);
  expect(code).toBe(2);
  expect(error).toMatch(message);
});
