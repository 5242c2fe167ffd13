import { describe, expect, test } from "vitest";
import { randomNumbers } from "../../engine/random-code.ts";
import { type Bits, code, scratch, XenGuest } from "./guest.ts";
import { brokenInvariants } from "./invariants.ts";

const mmuext = { cmd: "u32", arg1: "word", arg2: "word" } as const;
const update = { ptr: "u64", val: "u64" } as const;

/** A guest that asks for whatever comes, mostly of a few frames, so that requests get into each other's way. */
class Wild {
  readonly guest: XenGuest;
  readonly #random: (below: number) => number;
  readonly #pages: readonly number[];
  accepted = 0;
  refused = 0;
  base: number;
  userBase = 0;

  constructor(bits: Bits, seed: number) {
    this.guest = new XenGuest(bits);
    this.#random = randomNumbers(seed);
    const tables = this.guest.base >> 12;
    // The first tables, some pages of the guest's own, and now and then one of Xen's or of nobody's.
    this.#pages = [
      ...Array.from({ length: 6 }, (_, n) => tables + n),
      ...Array.from({ length: 8 }, (_, n) => (scratch >> 12) + 2 + n),
    ];
    this.base = this.guest.frame(tables);
  }

  get #frame(): number {
    const any = this.#random(12);
    if (any === 0) return this.#random(1600);
    return this.guest.frame(this.#pages[this.#random(this.#pages.length)]!);
  }

  get #entry(): bigint {
    const flags = [0n, 1n, 3n, 5n, 7n, 0x63n, 0x67n, 0x83n, 0x1003n][this.#random(9)]!;
    return (BigInt(this.#frame) << 12n) | flags;
  }

  /** Addresses of pages that neither the code nor the requests are in. */
  get #linear(): number {
    return scratch + 0x2000 + this.#random(64) * 4096;
  }

  request(): void {
    const { guest } = this;
    const kind = this.#random(10);
    if (kind < 4) this.#note(guest.map(this.#linear, this.#entry).result);
    else if (kind < 7) this.#update();
    else if (kind < 9) this.#extend();
    else this.#note(guest.call(2, guest.put({ frame: "word" }, { frame: this.#frame }), 1).result);
  }

  /** Any entry of any frame, but for those that map the code and this file's own scratch page. */
  #update(): void {
    const frame = this.#frame;
    const index = this.#random(3) === 0 ? 256 + this.#random(20) : 0x302 + this.#random(64);
    const l1 = (index % 512) * 8;
    const ptr = BigInt(frame) * 4096n + BigInt(l1) + BigInt([0, 0, 0, 2, 3, 1][this.#random(6)]!);
    const at = this.guest.put(update, { ptr, val: this.#entry });
    this.#note(this.guest.call(1, at, 1, 0, 0x7ff0).result);
  }

  #extend(): void {
    const { guest } = this;
    const command = [0, 1, 2, 3, 4, 4, 5, 15, 16, 6][this.#random(10)]!;
    const frame = this.#frame;
    // The frame that the code runs in, and the tables that map it, stay as they are.
    const reply = guest.call(26, guest.put(mmuext, { cmd: command, arg1: frame }), 1, 0, 0x7ff0);
    this.#note(reply.result);
    if (reply.result === 0n && command === 5) this.base = frame;
    if (reply.result === 0n && command === 15) this.userBase = frame;
  }

  #note(result: bigint): void {
    if (result < 0n) this.refused++;
    else this.accepted++;
  }

  /** The code and the requests are still mapped, the latter for writing. */
  get goesOn(): boolean {
    const { machine } = this.guest;
    return !machine.stopped && this.guest.isMapped(code) && this.guest.isMapped(scratch);
  }

  get bases(): number[] {
    return [this.base, ...(this.userBase === 0 ? [] : [this.userBase])];
  }
}

describe.each([32, 64] as const)("%i-bit guests", (bits) => {
  test("the account is right at the start", () => {
    const wild = new Wild(bits, 1);
    expect(brokenInvariants(wild.guest, wild.bases)).toEqual([]);
  });

  test.each([1, 2, 3, 4, 5, 6])("no request leaves a mapping that it must not: seed %i", (seed) => {
    let wild = new Wild(bits, seed);
    let [accepted, refused] = [0, 0];
    for (let n = 0; n < 150; n++) {
      // A guest may well take its own code away.
      if (!wild.goesOn) wild = new Wild(bits, seed + 100 * n);
      const before = [wild.accepted, wild.refused] as const;
      wild.request();
      accepted += wild.accepted - before[0];
      refused += wild.refused - before[1];
      if (n % 5 === 0 || !wild.goesOn) expect(brokenInvariants(wild.guest, wild.bases)).toEqual([]);
    }
    expect(brokenInvariants(wild.guest, wild.bases)).toEqual([]);
    expect(accepted).toBeGreaterThan(10);
    expect(refused).toBeGreaterThan(20);
  });
});
