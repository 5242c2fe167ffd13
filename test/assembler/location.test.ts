import { expect, it } from "vitest";
import { fileKey, isUri, resolve, toUri } from "../../assembler/location.ts";

it.each([
  ["macros.inc", "/home/guests/boot.asm", "/home/guests/macros.inc"],
  ["../lib/macros.inc", "/home/guests/boot.asm", "/home/lib/macros.inc"],
  ["./a/./b.inc", "/home/boot.asm", "/home/a/b.inc"],
  ["../../../../x.inc", "/home/boot.asm", "/x.inc"],
  ["macros.inc", "guests/boot.asm", "guests/macros.inc"],
  ["/abs.inc", "/home/boot.asm", "/abs.inc"],
  ["macros.inc", "C:\\home\\boot.asm", "C:/home/macros.inc"],
  ["C:\\abs.inc", "C:\\home\\boot.asm", "C:\\abs.inc"],
  ["lib/a b.inc", "vscode-test-web://mount/guests/boot.asm", "vscode-test-web://mount/guests/lib/a%20b.inc"],
  ["a b#1?.inc", "file:///home/boot.asm", "file:///home/a%20b%231%3F.inc"],
  ["../x.inc", "file:///home/guests/boot.asm", "file:///home/x.inc"],
  ["/x.inc", "vscode-vfs://github/me/repo/boot.asm", "vscode-vfs://github/x.inc"],
  ["memfs:/x.inc", "/home/boot.asm", "memfs:/x.inc"],
])("%s in %s is %s", (name, from, file) => {
  expect(resolve(name, from)).toBe(file);
});

it.each([
  ["/home/a.asm", "file:///home/a.asm"],
  ["/home/a b#1.asm", "file:///home/a%20b%231.asm"],
  ["C:\\home\\a.asm", "file:///C:/home/a.asm"],
  ["memfs:/a.asm", "memfs:/a.asm"],
])("%s as a URI is %s", (file, uri) => {
  expect(toUri(file)).toBe(uri);
});

it.each([
  ["/home/a b.asm", "file:///home/a%20b.asm"],
  ["C:\\home\\a.asm", "file:///c%3A/home/a.asm"],
  ["c:/home/a.asm", "C:\\home\\a.asm"],
  ["vscode-test-web://mount/a.asm", "vscode-test-web://mount/a%2Easm"],
])("%s and %s are the same file", (a, b) => {
  expect(fileKey(a)).toBe(fileKey(b));
});

it.each([
  ["/home/a.asm", "/home/A.asm"],
  ["memfs:/a.asm", "/a.asm"],
  ["memfs://one/a.asm", "memfs://two/a.asm"],
])("%s and %s are different files", (a, b) => {
  expect(fileKey(a)).not.toBe(fileKey(b));
});

it("tells drive letters from schemes", () => {
  expect([isUri("C:\\a.asm"), isUri("file:///a.asm"), isUri("a.asm")]).toEqual([false, true, false]);
});
