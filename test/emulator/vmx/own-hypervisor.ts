import type { Machine, MachineConfiguration } from "../../../emulator/index.ts";
import { encodingText, type VmcsField, vmcsFields } from "../../../emulator/vmx/vmcs-fields.ts";
import { machineWith } from "../machine/program.ts";

/** Where the programs below keep what a hypervisor has. */
export const place = {
  vmxon: 0x20_0000,
  vmcs: 0x20_1000,
  /** More regions, bitmaps, tables, areas. */
  free: 0x20_2000,
  tables: 0x2a_0000,
  guestStack: 0x28_0000,
  hostStack: 0x29_0000,
} as const;

export type Fields = Partial<Record<VmcsField, bigint | number>>;
type Bits = 32 | 64;

/** Bits of the control words beside those that must be 1. */
interface Controls {
  readonly pin?: number;
  readonly primary?: number;
  readonly secondary?: number;
  readonly exit?: number;
  readonly entry?: number;
}

export interface Program {
  readonly bits?: Bits;
  readonly controls?: Controls;
  readonly fields?: Fields;
  /** Between the last VMWRITE and VMLAUNCH. */
  readonly before?: string;
  readonly guest?: string;
  /** At the host's RIP; by default it ends there. */
  readonly handler?: string;
  readonly data?: string;
}

const wide = (bits: Bits): boolean => bits === 64;
const hex = (value: bigint | number): string => `0${BigInt.asUintN(64, BigInt(value)).toString(16)}h`;

/** Paging, which VMX operation wants: 64-bit guests start with it. */
const paging = (bits: Bits): string =>
  wide(bits)
    ? ""
    : `
        mov edi, ${hex(place.tables)}
        mov eax, 83h
        mov ecx, 16
.page:  stosd
        add eax, 400000h
        loop .page
        mov eax, 10h                    ; PSE
        mov cr4, eax
        mov eax, ${hex(place.tables)}
        mov cr3, eax
        mov eax, cr0
        or eax, 80000000h
        mov cr0, eax`;

const accumulator = (bits: Bits): string => (wide(bits) ? "rax" : "eax");

/** What VMX operation wants before VMXON. */
export const prepared = (bits: Bits = 64): string => `
start:  ${paging(bits)}
        mov ecx, 3Ah
        mov eax, 5
        xor edx, edx
        wrmsr
        mov ${accumulator(bits)}, cr4
        or eax, 2000h
        mov cr4, ${accumulator(bits)}
        mov ${accumulator(bits)}, cr0
        or eax, 20h
        mov cr0, ${accumulator(bits)}
        mov ecx, 480h
        rdmsr
        mov [${hex(place.vmxon)}], eax
        mov [${hex(place.vmcs)}], eax
`;

export const inRoot = `
        vmxon [vmxon_at]
`;

export const withVmcs = `
        vmclear [vmcs_at]
        vmptrld [vmcs_at]
`;

const frame = (bits: Bits, code: string, data = ""): string => `
%pragma ringside mode ${wide(bits) ? "long" : "protected"}
        org 100000h
        bits ${bits}
        ${code}
        align 8
vmxon_at: dq ${hex(place.vmxon)}
vmcs_at:  dq ${hex(place.vmcs)}
        ${data}`;

const write = (bits: Bits, field: VmcsField, value: bigint | number): string =>
  `mov edx, ${encodingText(field).replace(/^/, "0")}
        mov ${accumulator(bits)}, ${hex(wide(bits) ? value : BigInt.asUintN(32, BigInt(value)))}
        vmwrite ${wide(bits) ? "rdx, rax" : "edx, eax"}`;

const words = {
  pin: ["pinControls", 0x48d],
  primary: ["primaryControls", 0x48e],
  exit: ["exitControls", 0x48f],
  entry: ["entryControls", 0x490],
} as const;

const controlCode = (bits: Bits, controls: Controls): string =>
  (Object.keys(words) as (keyof typeof words)[])
    .map((word) => {
      const [field, msr] = words[word];
      const mode = wide(bits) && (word === "exit" || word === "entry") ? 0x200 : 0;
      return `mov ecx, ${hex(msr)}
        rdmsr
        or eax, ${hex(mode | (controls[word] ?? 0))}
        mov edx, 0${encodingText(field)}
        vmwrite ${wide(bits) ? "rdx, rax" : "edx, eax"}`;
    })
    .concat(write(bits, "secondaryControls", controls.secondary ?? 0))
    .join("\n        ");

/** Guest and host alike, in flat segments. */
const usual = (bits: Bits): Fields => ({
  vmcsLinkPointer: 0xffff_ffff_ffff_ffffn,
  guestCsSelector: 8,
  ...Object.fromEntries(["Es", "Ss", "Ds", "Fs", "Gs"].map((name) => [`guest${name}Selector`, 16])),
  guestTrSelector: 24,
  ...Object.fromEntries(["Es", "Cs", "Ss", "Ds", "Fs", "Gs"].map((name) => [`guest${name}Limit`, 0xffff_ffff])),
  ...Object.fromEntries(["Es", "Ss", "Ds", "Fs", "Gs"].map((name) => [`guest${name}Access`, 0xc093])),
  guestCsAccess: wide(bits) ? 0xa09b : 0xc09b,
  guestLdtrAccess: 0x1_0000,
  guestTrAccess: 0x8b,
  guestTrLimit: 0x67,
  guestDr7: 0x400,
  guestRsp: place.guestStack,
  guestRflags: 2,
  guestEfer: 0xd00,
  hostEfer: 0xd00,
  hostCsSelector: 8,
  ...Object.fromEntries(["Es", "Ss", "Ds", "Fs", "Gs"].map((name) => [`host${name}Selector`, 16])),
  hostTrSelector: 24,
  hostRsp: place.hostStack,
});

const fromRegister = (bits: Bits, register: string, fields: readonly VmcsField[]): string =>
  `mov ${accumulator(bits)}, ${register}
        ${fields.map((field) => `mov edx, 0${encodingText(field)}\n        vmwrite ${wide(bits) ? "rdx, rax" : "edx, eax"}`).join("\n        ")}`;

const fromLabel = (bits: Bits, field: VmcsField, label: string): string =>
  `mov edx, 0${encodingText(field)}
        mov eax, ${label}
        vmwrite ${wide(bits) ? "rdx, rax" : "edx, eax"}`;

/** A hypervisor with one guest, as source. */
export function hypervisor({
  bits = 64,
  controls = {},
  fields = {},
  before = "",
  guest,
  handler,
  data,
}: Program): string {
  const all: Fields = { ...usual(bits), ...fields };
  const high = wide(bits) ? "" : `mov edx, 2801h\n        mov eax, -1\n        vmwrite edx, eax`;
  return frame(
    bits,
    `${prepared(bits)}${inRoot}${withVmcs}
        ${controlCode(bits, controls)}
        ${fromRegister(bits, "cr0", ["guestCr0", "hostCr0"])}
        ${fromRegister(bits, "cr3", ["guestCr3", "hostCr3"])}
        ${fromRegister(bits, "cr4", ["guestCr4", "hostCr4"])}
        ${fromLabel(bits, "guestRip", "guest")}
        ${fromLabel(bits, "hostRip", "exited")}
        ${(Object.entries(all) as [VmcsField, bigint | number][]).map(([field, value]) => write(bits, field, value)).join("\n        ")}
        ${high}
        ${before}
        vmlaunch
failed: hlt
guest:  ${guest ?? "vmcall"}
exited: ${handler ?? "hlt"}
        hlt`,
    data,
  );
}

/** An instruction as the only thing that a hypervisor does in a state. */
export const instruction = (state: "outside" | "root" | "current", code: string, bits: Bits = 64): string =>
  frame(
    bits,
    `${prepared(bits)}${state === "outside" ? "" : inRoot}${state === "current" ? withVmcs : ""}\n ${code}\n hlt`,
  );

/** Runs it to its end. */
export function ran(source: string, over: Partial<MachineConfiguration> = {}): Machine {
  const machine = machineWith(source, { costs: "unit", ...over });
  machine.run({ steps: 200_000 });
  return machine;
}

export const register = (machine: Machine, name: string): bigint =>
  machine.registers().find((view) => view.name === name)!.value;

/** A field of the current VMCS. */
export function fieldOf(machine: Machine, field: VmcsField): bigint {
  const { encoding } = vmcsFields[field];
  const views = machine.vmcs()!.groups.flatMap(({ fields }) => fields);
  return views.find((view) => view.encoding === encoding)!.value;
}

/** "succeeds", "VMfailInvalid", "VMfailValid 7" or the exception. */
export function outcomeOf(machine: Machine): string {
  const exception = machine.events(0, Number.MAX_SAFE_INTEGER, ["exception"])[0];
  if (exception?.kind === "exception") return exception.name;
  if (register(machine, "CF") === 1n) return "VMfailInvalid";
  if (register(machine, "ZF") === 1n) return `VMfailValid ${fieldOf(machine, "instructionError")}`;
  return "succeeds";
}
