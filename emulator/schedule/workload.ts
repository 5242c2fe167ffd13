/** What a vCPU of a model does, in microseconds. These are models, not guests: nothing is executed. */
export type Workload =
  /** Always wants to run. */
  | { readonly kind: "cpu" }
  /** Wakes every period, runs for so long, sleeps: a device driver, or a clock. */
  | { readonly kind: "periodic"; readonly period: number; readonly run: number; readonly offset?: number }
  /** Boots like anybody, then sleeps around every tick of the host, so that none finds it running. */
  | { readonly kind: "thief"; readonly tick: number; readonly margin: number; readonly boot?: number }
  /** Works alone, then works under a lock that the VM's vCPUs share. */
  | {
      readonly kind: "lock";
      readonly work: number;
      readonly hold: number;
      /** What it does when the lock is taken. */
      readonly wait: WaitPolicy;
      /** Served in the order of asking: nobody else can have it while the next in line is not running. */
      readonly ticket?: boolean;
    }
  /** Works, then interrupts its siblings and spins until each has answered: a TLB shoot-down. */
  | {
      readonly kind: "shootdown";
      readonly work: number;
      /** What answering takes. */
      readonly answer: number;
      /** A sibling that is not running flushes when it runs next, and is not waited for. */
      readonly lazy?: boolean;
    }
  /** Two threads of the guest's own take turns by the guest's clock. */
  | { readonly kind: "threads"; readonly quantum: number; readonly clock: "wall" | "steal-time" };

/**
 * `spin`: for ever. `pause-loop`: the processor leaves for the VMM after the window, which lets others run. `directed-yield`: it lets the lock's
 * holder run. `paravirtual`: the guest sleeps after the window until the lock's holder wakes it.
 */
export const waitPolicies = ["spin", "pause-loop", "directed-yield", "paravirtual"] as const;
export type WaitPolicy = (typeof waitPolicies)[number];

/** PAUSE-loop exiting leaves after 4096 cycles, which is some two microseconds. */
export const spinWindow = 2;
