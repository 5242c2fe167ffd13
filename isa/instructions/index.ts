import type { Row } from "../instruction.ts";
import { arithmetic } from "./arithmetic.ts";
import { bit } from "./bit.ts";
import { controlFlow } from "./control-flow.ts";
import { dataMovement } from "./data-movement.ts";
import { logic } from "./logic.ts";
import { shift } from "./shift.ts";
import { stack } from "./stack.ts";

/** Every row. Where encodings coincide the earlier row is the one that is decoded. */
export const rows: readonly Row[] = [
  ...dataMovement,
  ...arithmetic,
  ...logic,
  ...shift,
  ...bit,
  ...controlFlow,
  ...stack,
];
