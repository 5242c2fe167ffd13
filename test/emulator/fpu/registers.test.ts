import { describe, expect, it } from "vitest";
import { boot, protectedGuest } from "../vmm/guest.ts";

const guest = protectedGuest("fninit\nfldpi\nfld1\nfchs\n");

function stopped() {
  const machine = boot("bare-metal", guest);
  machine.run({ steps: 4 });
  const view = (name: string) => machine.registers().find((register) => register.name === name);
  return { machine, view };
}

describe("a debugger", () => {
  it("sees the register stack from its top, with numbers in decimal", () => {
    const { view } = stopped();
    expect(view("ST0")).toMatchObject({ value: 0xbfff_8000_0000_0000_0000n, width: 80, text: "-1" });
    expect(view("ST1")).toMatchObject({ text: "3.141592653589793" });
    expect(view("ST2")).toMatchObject({ text: "empty" });
    expect(view("FSW")?.value).toBe(0x3000n);
    expect(view("FTW")?.value).toBe(0x0fffn);
    expect(view("MM7")?.value).toBe(0xc90f_daa2_2168_c235n);
    expect(view("XMM8")).toBeUndefined();
  });

  it("changes registers", () => {
    const { machine, view } = stopped();
    const wide = (1n << 127n) | 5n;
    expect(machine.setRegister("XMM7", wide)).toBe(true);
    expect(view("XMM7")?.value).toBe(wide);
    expect(machine.setRegister("st2", 0x4000_8000_0000_0000_0000n)).toBe(true);
    expect(view("ST2")).toMatchObject({ text: "2" });
    expect(machine.setRegister("MXCSR", 0x1_0000n)).toBe("Bits 31:16 must be 0.");
    expect(machine.setRegister("FCW", 0x27fn)).toBe(true);
    expect(view("FCW")?.value).toBe(0x27fn);
  });
});
