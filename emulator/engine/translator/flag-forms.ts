import { anyForm, type FlagForm, settledForm } from "./flag-locals.ts";
import type { Context } from "./frame.ts";
import type { Block, Plan } from "./plan.ts";
import { WasmAlgebra } from "./wasm.ts";

/** What a block does to the flags. */
interface FlagUse {
  /** It looks at the flags that it finds. */
  reads: boolean;
  /** It jumps to an address known only then, with the flags as it found them. */
  passesOn: boolean;
  /** In which forms it leaves them to blocks of the region, by index; undefined as it found them. */
  readonly handedTo: readonly (readonly [block: number, form: FlagForm | undefined])[];
}

/** In which form each block of a region finds the flags, and whether a jump to an address known only then must settle them. */
export interface FlagForms {
  readonly blocks: readonly FlagForm[];
  readonly settledForIndirect: boolean;
}

/** Writes a block for nobody, to see what it does. */
function useOf(block: Block, rip: bigint, context: Context, indexAt: (rip: bigint) => number | undefined): FlagUse {
  const handedTo: [number, FlagForm | undefined][] = [];
  const next = (to: bigint, form: FlagForm | undefined): void => {
    const index = indexAt(to);
    if (index !== undefined) handedTo.push([index, form]);
  };
  const end = rip + BigInt(block.bytes);
  // The host needs all flags, and reads them into their places again.
  if (block.byHost) {
    next(end, settledForm);
    return { reads: false, passesOn: false, handedTo };
  }
  let passesOn = false;
  const trial = new WasmAlgebra(context, -1, {
    to: (target) => {
      next(target, trial.frame.flags.form);
      trial.frame.flags.handOn();
    },
    indirect: () => {
      passesOn = trial.frame.flags.form === undefined;
      trial.frame.flags.handOn();
    },
  });
  trial.begin(anyForm);
  let at = rip;
  let ended = false;
  for (const decoded of block.instructions) {
    ended = trial.emit(decoded, { rip: at, unpaid: 0, next: 0, counters: [] });
    at += BigInt(decoded.length);
  }
  if (!ended) {
    next(end, trial.frame.flags.form);
    trial.frame.flags.handOn();
  }
  return { reads: trial.frame.flags.unknownRead, passesOn, handedTo };
}

/**
 * A block that reads the flags finds them as all that lead to it leave them, if these agree, else as words. Where they do not
 * come as words, the block cannot be entered from outside. The others take any form.
 */
export function flagForms({ blocks, entries }: Plan, start: bigint, context: Context): FlagForms {
  const mask = context.bits === 64 ? (rip: bigint) => rip : (rip: bigint) => BigInt.asUintN(32, rip);
  const ripOf = (offset: number): bigint => start + BigInt(offset);
  const indices = new Map(blocks.map(({ offset }, index) => [ripOf(offset), index]));
  const uses = blocks.map((block) => useOf(block, ripOf(block.offset), context, (rip) => indices.get(mask(rip))));
  for (let changed = true; changed; ) {
    changed = false;
    const anyReads = uses.some(({ reads }) => reads);
    for (const use of uses) {
      const passed = use.handedTo.some(([to, form]) => form === undefined && uses[to]!.reads);
      if (use.reads || !(passed || (use.passesOn && anyReads))) continue;
      use.reads = true;
      changed = true;
    }
  }
  const outside = new Set(entries);
  const forms = blocks.map(({ offset }, n): FlagForm | undefined =>
    uses[n]!.reads ? (outside.has(offset) ? settledForm : undefined) : anyForm,
  );
  for (let changed = true; changed; ) {
    changed = false;
    for (const [from, { handedTo }] of uses.entries())
      for (const [to, form] of handedTo) {
        const met = form ?? forms[from];
        if (met === undefined || !uses[to]!.reads || forms[to] === met || forms[to] === settledForm) continue;
        forms[to] = forms[to] === undefined ? met : settledForm;
        changed = true;
      }
  }
  const settled = forms.map((form) => form ?? settledForm);
  return { blocks: settled, settledForIndirect: settled.includes(settledForm) };
}
