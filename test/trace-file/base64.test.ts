import fc from "fast-check";
import { expect, it } from "vitest";
import { fromBase64, toBase64 } from "../../trace-file/base64.ts";

it("Base64 agrees with Node's", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
      expect(fromBase64(toBase64(bytes))).toEqual(bytes);
    }),
  );
});

it.each(["a", "AAAA=BBB", "a b c d", "ä"])("%s is not Base64", (text) => {
  expect(fromBase64(text)).toBeUndefined();
});
