import { makeDist } from "../../scripts/ship.ts";

/** Builds dist/ once, before the tests of what is shipped. */
export default makeDist;
