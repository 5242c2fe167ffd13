import { describe, expect, it } from "vitest";
import { assemble } from "../../assembler/index.ts";
import { DapClient, guestFile, lineOf } from "../support/dap-client.ts";

/** Echoes keys until q. */
const source = (origin: string) => `
  bits 16
  org ${origin}
start:
  mov ax, 0E3Eh
  int 10h
next:
  mov ah, 0
  int 16h
  mov ah, 0Eh
  int 10h
  cmp al, 'q'
  jne next
  cli
  hlt
  times 510 - ($ - $$) db 0
  dw 0AA55h
`;

const screens = (client: DapClient): string[] =>
  client.events
    .filter(({ event, body }) => event === "output" && /^screen:/.test(body.output))
    .map(({ body }) => body.output);

describe.each([["7C00h"], ["0"]])("a boot sector at org %s", (origin) => {
  it("starts at its first line, stops at breakpoints, and shows its screen", async () => {
    const text = source(origin);
    const client = new DapClient(text);
    await client.launch({ technique: "bare-metal", keys: "aq" });
    const [breakpoint] = await client.breakAt({ line: lineOf(text, "cmp al, 'q'") });
    expect(breakpoint).toMatchObject({ verified: true });
    expect(await client.start()).toMatchObject({ reason: "entry" });
    expect(await client.line()).toBe(lineOf(text, "mov ax, 0E3Eh"));
    expect(screens(client)).toEqual([]);
    await client.go("continue");
    expect(await client.line()).toBe(lineOf(text, "cmp al, 'q'"));
    expect(screens(client)).toEqual(["screen:\n| >a\n"]);
    await client.go("continue");
    expect(screens(client)).toEqual(["screen:\n| >a\n", "screen:\n| >aq\n"]);
    expect(await client.go("stepBack")).toMatchObject({ reason: "step" });
  });
});

describe("a disk image", () => {
  const image = assemble({ file: "boot.asm", text: source("7C00h") }).bytes;

  it("boots, and waits for what is typed", async () => {
    const client = new DapClient({ [guestFile]: image });
    await client.launch({ technique: "vtx-ept" });
    expect(await client.start()).toMatchObject({ reason: "entry" });
    expect(await client.frames()).toMatchObject([{ instructionPointerReference: expect.stringMatching(/7c00$/) }]);
    await client.go("continue");
    await client.request("ringside/input", { text: "hq" });
    await client.go("continue");
    expect(screens(client).at(-1)).toBe("screen:\n| >hq\n");
    await expect(client.request("ringside/input", { text: "{nokey}" })).rejects.toThrow("There is no key");
  });
});

const refusals: [string, object, Record<string, string | Uint8Array>, RegExp][] = [
  ["a source that is no boot sector", { boot: "floppy" }, { [guestFile]: "nop\n" }, /is no boot sector/],
  ["an image without a boot sector", { program: "/a.img" }, { "/a.img": new Uint8Array(512) }, /is not bootable/],
  ["a disk that is not there", { disks: ["/b.img"] }, { [guestFile]: "nop\n" }, /"disks": there is no file \/b.img/],
  ["keys that do not exist", { keys: "{foo}" }, { [guestFile]: "nop\n" }, /"keys": There is no key \{foo\}/],
  ["a date that does not exist", { date: "2026-13-01" }, { [guestFile]: "nop\n" }, /The date must be/],
  ["another drive", { boot: "tape" }, { [guestFile]: "nop\n" }, /"boot" in the launch configuration must be one of/],
];

describe("a launch is refused", () => {
  it.each(refusals)("for %s", async (_name, args, files, message) => {
    const client = new DapClient(files);
    await client.request("initialize", { adapterID: "ringside" });
    await expect(client.request("launch", { program: guestFile, technique: "bare-metal", ...args })).rejects.toThrow(
      message,
    );
  });
});

it("a source with a boot sector's signature can be loaded flat", async () => {
  const client = new DapClient(source("7C00h"));
  await client.launch({ technique: "bare-metal", boot: "none" });
  await client.start();
  // Without the BIOS there are no interrupt vectors.
  expect(await client.go("continue")).toMatchObject({ description: "Ran off the code" });
});
