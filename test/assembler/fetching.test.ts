import { describe, expect, it } from "vitest";
import { assemble, assembleFetching, FetchingAssembler, type FileBytes } from "../../assembler/index.ts";

/** Files that have to be fetched; which were, is noted. */
function host(contents: Readonly<Record<string, FileBytes>>) {
  const found = new Map<string, Exclude<FileBytes, undefined> | null>();
  const fetched: string[] = [];
  const files = {
    atHand: (file: string) => {
      const known = found.get(file);
      return known instanceof Uint8Array ? new TextDecoder().decode(known) : known;
    },
    bytesAtHand: (file: string) => found.get(file),
    fetch: async (file: string) => {
      fetched.push(file);
      found.set(file, contents[file] ?? null);
    },
  };
  return { files, fetched };
}

const text = (source: string) => new TextEncoder().encode(source);

describe("a program of files that are fetched", () => {
  it("has the bytes of incbin and the lines of %include, each fetched once", async () => {
    const { files, fetched } = host({
      "/guest/a.inc": text('incbin "data.bin", 1\nincbin "data.bin", 0, 1\n'),
      "/guest/lib/data.bin": Uint8Array.from([1, 2, 0xff]),
    });
    const options = { file: "/guest/main.asm", text: '%include "a.inc"\ndb 9\n', includePaths: ["lib"] };
    const { bytes, problems } = await assembleFetching(options, files);
    expect(problems).toEqual([]);
    expect([...bytes]).toEqual([2, 0xff, 1, 9]);
    expect(new Set(fetched).size).toBe(fetched.length);
  });

  it("says why a file of incbin is not there", async () => {
    const { files } = host({ "/guest/folder": { unreadable: "it is a folder, not a file" } });
    const source = 'incbin "folder"\nincbin "nothing"\n';
    const { problems } = await assembleFetching({ file: "/guest/main.asm", text: source }, files);
    expect(problems.map(({ code, message }) => `${code}: ${message}`)).toEqual([
      "unreadable-file: The file “folder” cannot be read: it is a folder, not a file.",
      "missing-file: The file “nothing” cannot be found.",
    ]);
  });
});

describe("a program that takes long", () => {
  const long = (count: number) => Array.from({ length: count }, (_, n) => `label${n}: mov ax, ${n}`).join("\n");

  it("is given up where another version comes, and others have their turns", async () => {
    const { files } = host({});
    let pauses = 0;
    const assembler = new FetchingAssembler(
      { file: "/guest/main.asm" },
      { ...files, pause: async () => void pauses++ },
    );
    const first = assembler.assemble(long(20_000));
    const second = assembler.assemble("db 7\n");
    expect([...(await second).bytes]).toEqual([7]);
    expect([...(await first).bytes]).toEqual([7]);
    // One step of the long program, then the short one, which has one pass.
    expect(pauses).toBeLessThan(5);
  });

  it("gives what it gives at once", async () => {
    const { files } = host({});
    const text = long(5000);
    const assembler = new FetchingAssembler({ file: "/guest/main.asm" }, { ...files, pause: async () => {} });
    const { bytes } = await assembler.assemble(text);
    expect(bytes).toEqual(assemble({ file: "/guest/main.asm", text }).bytes);
    const edited = text.replace("label9:", "label9x:");
    expect((await assembler.assemble(edited)).bytes).toEqual(bytes);
  });
});
