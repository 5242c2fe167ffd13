import { describe, expect, it } from "vitest";
import { assembleFetching, type FileBytes } from "../../assembler/index.ts";

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
