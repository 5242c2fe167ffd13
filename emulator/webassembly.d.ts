/**
 * The little of WebAssembly that the emulator uses. Every host has it, but TypeScript declares it only in the libraries
 * of the browser and of Node, which pure folders do without.
 */
declare namespace WebAssembly {
  class Memory {
    /** Sizes in pages of 64 KiB. The emulator's memory never grows, so views over its buffer stay valid. */
    constructor(descriptor: { readonly initial: number; readonly maximum?: number });
    readonly buffer: ArrayBuffer;
  }

  class Module {
    /** Compiles; throws a CompileError if the bytes are not a valid module. */
    constructor(bytes: Uint8Array<ArrayBuffer>);
  }

  class Global<T extends "i32" | "i64" = "i32" | "i64"> {
    constructor(descriptor: { readonly value: T; readonly mutable: boolean }, value: T extends "i64" ? bigint : number);
    value: T extends "i64" ? bigint : number;
  }

  type Import = Memory | Global | ((...args: number[]) => number);

  class Instance {
    constructor(module: Module, imports?: Readonly<Record<string, Readonly<Record<string, Import>>>>);
    readonly exports: Readonly<Record<string, (...args: never[]) => unknown>>;
  }
}
