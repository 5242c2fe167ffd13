import type { Row } from "../instruction.ts";
import { arithmetic } from "./arithmetic.ts";
import { bit } from "./bit.ts";
import { controlFlow } from "./control-flow.ts";
import { dataMovement } from "./data-movement.ts";
import { flag } from "./flag.ts";
import { io } from "./io.ts";
import { logic } from "./logic.ts";
import { mmx } from "./mmx.ts";
import { segment } from "./segment.ts";
import { shift } from "./shift.ts";
import { sse } from "./sse.ts";
import { sse2 } from "./sse2.ts";
import { sse3 } from "./sse3.ts";
import { stack } from "./stack.ts";
import { string } from "./string.ts";
import { system } from "./system.ts";
import { vmx } from "./vmx.ts";
import { x87 } from "./x87.ts";

/** Every row. Where encodings coincide the earlier row is the one that is decoded. */
export const rows: readonly Row[] = [
  ...dataMovement,
  ...arithmetic,
  ...logic,
  ...shift,
  ...bit,
  ...controlFlow,
  ...stack,
  ...string,
  ...flag,
  ...segment,
  ...io,
  ...system,
  ...vmx,
  ...x87,
  ...mmx,
  ...sse,
  ...sse2,
  ...sse3,
];
