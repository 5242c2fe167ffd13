"""Runs cases on Unicorn: JSON lines on standard input, one JSON line of results for each on standard output.

The first line gives what all cases share: {"memory": hex, "at": number}, the contents of `window` bytes of memory that
are compared, at an address. A case is
  {"mode": 16|32|64, "code": hex, "at": number, "registers": [number as hex, ...], "flags": number,
   "patches": [[address, hex], ...], "until": number or 0}
With `until` 0 one instruction is executed, else all from `at` to that address. A result is
  {"registers": [...], "ip": hex, "flags": number, "changes": [[address, hex], ...], "fault": vector or null}
where a fault that is not an exception of the processor is Unicorn's own message.
"""

import json
import sys

import unicorn
from unicorn import x86_const as x86

RAM = 0x100000
MODES = {16: unicorn.UC_MODE_16, 32: unicorn.UC_MODE_32, 64: unicorn.UC_MODE_64}
NARROW = ["EAX", "ECX", "EDX", "EBX", "ESP", "EBP", "ESI", "EDI"]
WIDE = ["RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI"] + [f"R{n}" for n in range(8, 16)]
PAGE = 4096


def register(name):
    return getattr(x86, "UC_X86_REG_" + name)


class Machine:
    """A processor of one mode with 1 MiB of memory."""

    def __init__(self, mode, base, at):
        self.base, self.at = base, at
        self.uc = unicorn.Uc(unicorn.UC_ARCH_X86, MODES[mode])
        self.uc.mem_map(0, RAM)
        self.uc.mem_write(at, base)
        names = WIDE if mode == 64 else NARROW
        self.registers = [register(name) for name in names]
        self.ip = register("RIP" if mode == 64 else "EIP")
        self.flags = register("RFLAGS" if mode == 64 else "EFLAGS")
        self.fault = None
        self.uc.hook_add(unicorn.UC_HOOK_INTR, self.interrupted)
        self.fresh = self.uc.context_save()

    def interrupted(self, uc, number, _):
        self.fault = number
        uc.emu_stop()

    def execute(self, at, until):
        self.fault = None
        try:
            if until:
                self.uc.emu_start(at, until)
            else:
                self.uc.emu_start(at, 0, count=1)
        except unicorn.UcError as error:
            if self.fault is None:
                self.fault = 6 if error.errno == unicorn.UC_ERR_INSN_INVALID else str(error)

    def changes(self):
        """What differs from the shared memory, which is put back."""
        now = bytes(self.uc.mem_read(self.at, len(self.base)))
        found = []
        for page in range(0, len(now), PAGE):
            new, old = now[page : page + PAGE], self.base[page : page + PAGE]
            if new == old:
                continue
            different = int.from_bytes(new, "little") ^ int.from_bytes(old, "little")
            while different:
                offset = ((different & -different).bit_length() - 1) // 8
                found.append([self.at + page + offset, new[offset]])
                different &= ~(0xFF << (8 * offset))
            self.uc.mem_write(self.at + page, old)
        return found

    def run(self, case):
        uc, at = self.uc, case["at"]
        code = bytes.fromhex(case["code"])
        for address, content in case["patches"]:
            uc.mem_write(address, bytes.fromhex(content))
        uc.mem_write(at, code)
        uc.ctl_remove_cache(at, at + len(code) + 16)
        for name, value in zip(self.registers, case["registers"]):
            uc.reg_write(name, int(value, 16))
        uc.reg_write(self.flags, case["flags"])
        self.execute(at, case["until"])
        result = {
            "registers": [format(uc.reg_read(name), "x") for name in self.registers],
            "ip": format(uc.reg_read(self.ip), "x"),
            "flags": uc.reg_read(self.flags),
            "changes": self.changes(),
            "fault": self.fault,
        }
        if self.fault is not None:
            # Unicorn believes that an exception is still being delivered, and makes the next one a double fault.
            uc.context_restore(self.fresh)
        return result


def main():
    shared = json.loads(sys.stdin.readline())
    base = bytes.fromhex(shared["memory"])
    machines = {}
    for line in sys.stdin:
        case = json.loads(line)
        # Unicorn takes seconds to go from counting instructions to not counting them: a processor for each.
        kind = case["mode"], case["until"] == 0
        if kind not in machines:
            machines[kind] = Machine(case["mode"], base, shared["at"])
        sys.stdout.write(json.dumps(machines[kind].run(case)) + "\n")
        sys.stdout.flush()


main()
