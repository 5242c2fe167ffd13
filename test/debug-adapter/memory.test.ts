import fc from "fast-check";
import { expect, it } from "vitest";
import { memoryReference, parseMemoryReference } from "../../debug-adapter/memory.ts";

it("memory references carry the address space and come back", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("linear", "guest-physical", "host-physical"),
      fc.bigInt(0n, 2n ** 64n - 1n),
      (space, address) => {
        expect(parseMemoryReference(memoryReference({ space, address }))).toEqual({ space, address });
      },
    ),
  );
});

it("linear references are plain numbers", () => {
  expect(BigInt(memoryReference({ space: "linear", address: 0x7c00n }))).toBe(0x7c00n);
  expect(parseMemoryReference("31744")).toEqual({ space: "linear", address: 0x7c00n });
});

it.each(["", "0x", "xyz", "gva:0x10", "-1", "gpa:"])("%s is no memory reference", (reference) => {
  expect(parseMemoryReference(reference)).toBeUndefined();
});
