import { describe, expect, test } from "vitest";
import { hypercalls } from "../../../../emulator/vmm/xen/hypercalls.ts";
import { scratch, XenGuest } from "./guest.ts";
import { data, rows } from "./hypercall-rows.ts";

test("every hypercall that is there has rows", () => {
  const there = hypercalls.filter(({ handler }) => handler).map(({ name }) => name);
  expect(Object.keys(rows).sort()).toEqual([...there].sort());
});

describe.each([32, 64] as const)("%i-bit guests", (bits) => {
  const guest = new XenGuest(bits);
  const restart = guest.keep();
  const cases = Object.entries(rows).flatMap(([name, list]) =>
    list
      .filter(([, , , , only]) => (only ?? bits) === bits)
      .map(([what, ask, result, text]) => ({ name, what, ask, result, text })),
  );

  test.each(cases)("$name: $what gives $result", ({ name, ask, result, text }) => {
    restart();
    const { result: found, event } = ask(guest);
    const said = [...event.arguments, event.result].join(", ");
    expect({ said, result: Number(found) }).toEqual({ said, result });
    expect(event.name).toBe(name);
    if (text) expect(said).toMatch(text);
    if (result < 0) expect(event.result).toMatch(/^-\d+ \(E[A-Z]+\): ./);
  });

  test("a vcpu_info that has moved tells the guest to look at all words of events", () => {
    restart();
    const fields = { mfn: "u64", offset: "u32", rsvd: "u32" } as const;
    guest.call(24, 10, 0, guest.put(fields, { mfn: guest.frameOf(data), offset: 64 }));
    expect(guest.read(data + 64, 2)).toBe(0x0101n);
    expect(guest.read(data + 64 + guest.word, guest.word)).toBe(2n ** BigInt(8 * guest.word) - 1n);
  });

  test("a long multicall is made again for the rest, until all is done", () => {
    restart();
    const { result, event } = guest.call(13, data, 300);
    expect(event).toMatchObject({ name: "multicall", result: "is made again for the rest" });
    expect(result).toBe(13n);
    guest.machine.run({ steps: 4 });
    const made = guest.machine.events(0, 1000, ["hypercall"]);
    expect(made.filter((each) => each.kind === "hypercall" && each.name === "set_trap_table")).toHaveLength(300);
    expect(guest.register(bits === 64 ? "RAX" : "EAX")).toBe(0n);
  });

  test("a long text is written in parts, in a multicall too, and all of it once", () => {
    const text = Uint8Array.from({ length: 10_000 }, (_, n) => 0x20 + (n % 90));
    const whole = String.fromCharCode(...text);
    const written = (after: number) =>
      guest.machine
        .printed(after)
        .map((piece) => piece.text)
        .join("");
    restart();
    guest.write(scratch, text);
    const before = guest.machine.lastSequence;
    const { event } = guest.call(18, 0, text.length, scratch);
    expect(event).toMatchObject({ name: "console_io", result: "is made again for the rest" });
    guest.machine.run({ steps: 4 });
    expect(written(before)).toBe(whole);
    expect(guest.register(bits === 64 ? "RAX" : "EAX")).toBe(0n);

    restart();
    guest.write(scratch, text);
    const entries = scratch + 0x8000;
    const words = { op: "word", result: "word", a0: "word", a1: "word", a2: "word" } as const;
    for (const [n, count] of [1, text.length, 2].entries())
      guest.put(words, { op: 18, a0: 0, a1: count, a2: scratch }, entries + n * 8 * guest.word);
    const start = guest.machine.lastSequence;
    guest.call(13, entries, 3);
    guest.machine.run({ steps: 4 });
    expect(written(start)).toBe(`${whole[0]}${whole}${whole.slice(0, 2)}`);
    expect(guest.register(bits === 64 ? "RAX" : "EAX")).toBe(0n);
  });

  test("what is not there says so by its name, and what does not exist by its number", () => {
    restart();
    const absent = hypercalls.filter(({ handler }) => !handler);
    for (const { number, name } of absent)
      expect(guest.call(number)).toMatchObject({
        result: -38n,
        event: { name, result: `-38 (ENOSYS): ${name} is not supported` },
      });
    for (const number of [11, 43, 1000])
      expect(guest.call(number)).toMatchObject({
        result: -38n,
        event: { name: "unknown", result: `-38 (ENOSYS): Xen has no hypercall ${number}` },
      });
  });
});
