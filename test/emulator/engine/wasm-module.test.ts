import { describe, expect, test } from "vitest";
import { Code, encodeModule } from "../../../emulator/engine/translator/wasm-module.ts";

const memory = new WebAssembly.Memory({ initial: 1 });

/** What a function without parameters returns. */
function result(write: (code: Code) => void): number {
  const code = new Code(0);
  write(code);
  const module = new WebAssembly.Module(encodeModule(code, 0));
  const instance = new WebAssembly.Instance(module, { machine: { memory } });
  return (instance.exports["run"] as () => number)();
}

describe("numbers are encoded as LEB128", () => {
  const edges = [
    0,
    1,
    -1,
    63,
    64,
    -64,
    -65,
    127,
    128,
    8191,
    8192,
    -8192,
    -8193,
    2 ** 20,
    2 ** 27 - 1,
    2 ** 27,
    -(2 ** 27),
  ];
  test.each([...edges, 2 ** 31 - 1, -(2 ** 31)])("i32 %i", (value) => {
    expect(result((code) => code.i32(value))).toBe(value);
  });

  test.each([...edges.map(BigInt), 2n ** 62n, 2n ** 63n - 1n, -(2n ** 63n), 0x8000_0000n, 0xffff_ffffn])(
    "i64 %s",
    (value) => {
      const halves = [0n, 32n].map((by) =>
        result((code) => {
          code.i64(value);
          code.i64(by);
          code.op("i64.shr_u", "i32.wrap_i64");
        }),
      );
      expect(halves).toEqual([Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n))]);
    },
  );
});

test("temporaries that are given back are used again", () => {
  const code = new Code(1);
  const first = code.temporary("i32");
  code.release(code.takeTemporaries());
  expect([code.temporary("i32"), code.temporary("i32")]).toEqual([first, first + 1]);
});

test("code that is put before other code runs before it", () => {
  const value = result((code) => {
    const local = code.local("i32");
    code.get(local);
    code.prepend(() => {
      code.i32(7);
      code.set(local);
    });
  });
  expect(value).toBe(7);
});

test("memory is addressed with an offset of several bytes", () => {
  new DataView(memory.buffer).setInt32(0x1234, 99, true);
  const value = result((code) => {
    code.i32(0x34);
    code.memory("i32.load", 0x1200);
  });
  expect(value).toBe(99);
});
