/**
 * Extensions that processors tell of in CPUID, by the manual's names. A processor without the extension of a row raises
 * #UD, before all that the row says of privilege (SDM Vol. 2, exceptions of each instruction). What is not here is in every
 * 64-bit processor.
 */
export type Feature =
  // Bits, numbers, memory.
  | "BMI1"
  | "BMI2"
  | "ADX"
  | "SSE4_2"
  | "RDRAND"
  | "RDSEED"
  | "RDPID"
  | "CLFSH"
  | "CLFLUSHOPT"
  | "CLWB"
  | "WBNOINVD"
  | "MOVDIRI"
  | "MOVDIR64B"
  | "SERIALIZE"
  | "RAO-INT"
  | "CMPCCXADD"
  // State and protection.
  | "XSAVE"
  | "XSAVEOPT"
  | "XSAVEC"
  | "XSAVES"
  | "FSGSBASE"
  | "INVPCID"
  | "PKU"
  | "CET_SS"
  // Waiting, transactions, user interrupts.
  | "MONITOR"
  | "MONITORX"
  | "WAITPKG"
  | "RTM"
  | "TSXLDTRK"
  | "UINTR"
  | "HRESET"
  | "MSRLIST"
  | "WRMSRNS"
  // Virtualization, trusted execution, AMD's.
  | "VMX"
  | "SVM"
  | "SMX"
  | "SMM"
  | "SGX"
  | "PCONFIG"
  | "CLZERO";
