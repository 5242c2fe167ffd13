/** Numbers of Xen's interface to paravirtual x86 guests (xen/include/public) that more than one file needs. */

/** How wide the guest's kernel is: it decides the layout of every structure. */
export type GuestBits = 32 | 64;

/** Error numbers as hypercalls return them, negated. */
export const errno = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  EINVAL: 22,
  ENOSPC: 28,
  ENOSYS: 38,
  EOPNOTSUPP: 95,
} as const;
export type ErrorName = keyof typeof errno;

/** Why Xen does not do something: the error number it gives, and the reason in words. */
export interface Refused {
  readonly errno: ErrorName;
  readonly why: string;
}

export const refused = (name: ErrorName, why: string): Refused => ({ errno: name, why });
export const isRefused = (outcome: unknown): outcome is Refused =>
  typeof outcome === "object" && outcome !== null && "errno" in outcome;

export const pageBytes = 4096;

/** Selectors of the flat segments that Xen puts into every GDT, and of its own. */
export const selectors = {
  xenCode: 0xe008,
  xenData: 0xe010,
  32: { kernelCode: 0xe019, kernelData: 0xe021, userCode: 0xe02b, userData: 0xe033 },
  64: { kernelCode: 0xe033, kernelData: 0, kernelStack: 0xe02b, userCode: 0xe033, userStack: 0xe02b, code32: 0xe023 },
  tss: 0xe040,
  ldt: 0xe050,
} as const;

/** Pages of the GDT that are the guest's; Xen's own descriptors follow. */
export const guestGdtPages = 14;
export const guestGdtEntries = guestGdtPages * 512;
export const mostLdtEntries = 8192;

/** Where Xen is in a guest's linear addresses. `private` is where its descriptor tables and TSS are mapped. */
export interface XenHole {
  /** First and last linear address (signed where it has 64 bits) that are not the guest's to map. */
  readonly start: number;
  readonly end: number;
  /** Machine-to-physical table, readable for the guest. */
  readonly m2p: number;
  readonly m2pEnd: number;
  readonly private: number;
}

export const holes: Readonly<Record<GuestBits, XenHole>> = {
  32: {
    start: 0xf580_0000,
    end: 0xffff_ffff,
    m2p: 0xf580_0000,
    m2pEnd: 0xf680_0000,
    private: 0xfc00_0000,
  },
  64: {
    start: -0x8000_0000_0000,
    end: -0x7800_0000_0001,
    m2p: -0x8000_0000_0000,
    m2pEnd: -0x7f80_0000_0000,
    private: -0x7e00_0000_0000,
  },
};

/** Segments of a 32-bit guest end here: what lies above, paging would not keep its kernel (CPL 1) from. */
export const flat32Limit = holes[32].m2pEnd;

/** Where things are from the start of Xen's private part. */
export const privatePlaces = { gdt: 0, ldt: 0x1_0000, idt: 0x2_0000, tss: 0x2_1000, entries: 0x2_2000 } as const;

/** Bytes of the private part of each virtual CPU; eight of them share a level-1 table. */
export const privateBytes = 0x4_0000;
/** Virtual CPUs whose vcpu_info has a place in shared_info. */
export const mostVcpus = 32;
export const vcpuInfoBytes = 64;

/** Layout of shared_info and vcpu_info, in bytes; `ports` is how many event channels there can be. */
export interface SharedLayout {
  readonly word: 4 | 8;
  readonly pendingSelector: number;
  readonly cr2: number;
  readonly pending: number;
  readonly mask: number;
  readonly wallClock: number;
  readonly ports: number;
}

export const vcpuInfo = { upcallPending: 0, upcallMask: 1, time: 32 } as const;
export const sharedLayouts: Readonly<Record<GuestBits, SharedLayout>> = {
  32: { word: 4, pendingSelector: 4, cr2: 8, pending: 2048, mask: 2176, wallClock: 2304, ports: 1024 },
  64: { word: 8, pendingSelector: 8, cr2: 16, pending: 2048, mask: 2560, wallClock: 3072, ports: 4096 },
};

/** Domain identifiers beyond those of domains. */
export const domainSelf = 0x7ff0;
/** The guest is the initial domain. */
export const ownDomain = 0;
/** The only domain there is, by its number or as "self". */
export const isOwn = (id: number): boolean => id === domainSelf || id === ownDomain;

/** What VCPUs are told by Xen about themselves. */
export const virq = { timer: 0, debug: 1, console: 2, domainException: 3 } as const;

export const hex = (value: number | bigint): string =>
  value < 0
    ? `${BigInt.asUintN(64, BigInt(value)).toString(16).toUpperCase()}h`
    : `${value.toString(16).toUpperCase()}h`;

/** "frame 2F3h". */
export const frameName = (frame: number): string => `frame ${hex(frame)}`;
