import { bundleAll } from "../../esbuild.ts";

/** Builds dist/ once, before the tests of what is shipped. */
export default bundleAll;
