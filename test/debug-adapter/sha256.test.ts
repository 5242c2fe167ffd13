import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, it } from "vitest";
import { sha256 } from "../../debug-adapter/sha256.ts";

it("is the digest that the host computes, of messages of every length about a block's", () => {
  const lengths = fc.integer({ min: 0, max: 200 });
  const messages = lengths.chain((length) => fc.uint8Array({ minLength: length, maxLength: length }));
  fc.assert(
    fc.property(messages, (bytes) => {
      expect(sha256(bytes)).toBe(createHash("sha256").update(bytes).digest("hex"));
    }),
  );
});
