import { expect, it } from "vitest";
import { fileKey, isUri, resolve, toUri } from "../../debug-adapter/location.ts";

it.each([
  ["macros.inc", "/work/guests/boot.asm", "/work/guests/macros.inc"],
  ["../lib/macros.inc", "/work/guests/boot.asm", "/work/lib/macros.inc"],
  ["./a/./b.inc", "/work/boot.asm", "/work/a/b.inc"],
  ["../../../../x.inc", "/work/boot.asm", "/x.inc"],
  ["macros.inc", "guests/boot.asm", "guests/macros.inc"],
  ["/abs.inc", "/work/boot.asm", "/abs.inc"],
  ["macros.inc", "C:\\work\\boot.asm", "C:/work/macros.inc"],
  ["C:\\abs.inc", "C:\\work\\boot.asm", "C:\\abs.inc"],
  ["lib/a b.inc", "vscode-test-web://mount/guests/boot.asm", "vscode-test-web://mount/guests/lib/a%20b.inc"],
  ["../x.inc", "file:///work/guests/boot.asm", "file:///work/x.inc"],
  ["/x.inc", "vscode-vfs://github/me/repo/boot.asm", "vscode-vfs://github/x.inc"],
  ["memfs:/x.inc", "/work/boot.asm", "memfs:/x.inc"],
])("%s in %s is %s", (name, from, file) => {
  expect(resolve(name, from)).toBe(file);
});

it.each([
  ["/work/a.asm", "file:///work/a.asm"],
  ["/work/a b#1.asm", "file:///work/a%20b%231.asm"],
  ["C:\\work\\a.asm", "file:///C:/work/a.asm"],
  ["memfs:/a.asm", "memfs:/a.asm"],
])("%s as a URI is %s", (file, uri) => {
  expect(toUri(file)).toBe(uri);
});

it.each([
  ["/work/a b.asm", "file:///work/a%20b.asm"],
  ["C:\\work\\a.asm", "file:///c%3A/work/a.asm"],
  ["c:/work/a.asm", "C:\\work\\a.asm"],
  ["vscode-test-web://mount/a.asm", "vscode-test-web://mount/a%2Easm"],
])("%s and %s are the same file", (a, b) => {
  expect(fileKey(a)).toBe(fileKey(b));
});

it.each([
  ["/work/a.asm", "/work/A.asm"],
  ["memfs:/a.asm", "/a.asm"],
  ["memfs://one/a.asm", "memfs://two/a.asm"],
])("%s and %s are different files", (a, b) => {
  expect(fileKey(a)).not.toBe(fileKey(b));
});

it("tells drive letters from schemes", () => {
  expect([isUri("C:\\a.asm"), isUri("file:///a.asm"), isUri("a.asm")]).toEqual([false, true, false]);
});
