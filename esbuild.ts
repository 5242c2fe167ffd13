import { type BuildOptions, build } from "esbuild";

/** Everything that is shipped, as bundles. One list: the build, the package and the size report read it. */
const common = {
  bundle: true,
  sourcemap: true,
  minify: true,
  keepNames: true,
  target: "es2023",
  logLevel: "warning",
  legalComments: "none",
} satisfies BuildOptions;

/** VS Code up to 1.100 runs extensions on Node 20, which lacks what Chevrotain 13 needs. */
const node20 = { inject: ["scripts/node-20.ts"] };

/** `@vscode/debugadapter` imports two Node modules that npm packages replace in the browser. */
const browserAliases = { events: "./node_modules/events/events.js", url: "./node_modules/url/url.js" };

export const bundles: readonly BuildOptions[] = [
  {
    entryPoints: { extension: "client/main-node.ts" },
    platform: "node",
    format: "cjs",
    outExtension: { ".js": ".cjs" },
    external: ["vscode"],
  },
  {
    entryPoints: { "extension-web": "client/main-browser.ts" },
    platform: "browser",
    format: "cjs",
    external: ["vscode"],
  },
  {
    entryPoints: { server: "server/main-node.ts" },
    platform: "node",
    format: "cjs",
    outExtension: { ".js": ".cjs" },
    ...node20,
  },
  { entryPoints: { "server-worker": "server/main-worker.ts" }, platform: "browser", format: "iife" },
  {
    entryPoints: { adapter: "debug-adapter/main-stdio.ts" },
    platform: "node",
    format: "cjs",
    outExtension: { ".js": ".cjs" },
    ...node20,
  },
  {
    entryPoints: { "adapter-worker": "debug-adapter/main-worker.ts" },
    platform: "browser",
    format: "iife",
    alias: browserAliases,
    define: { "process.platform": '"browser"', global: "globalThis" },
  },
  {
    entryPoints: { grader: "grader/main-node.ts" },
    platform: "node",
    format: "cjs",
    outExtension: { ".js": ".cjs" },
    ...node20,
  },
  { entryPoints: { "grader-worker": "grader/main-worker.ts" }, platform: "browser", format: "iife" },
  {
    entryPoints: {
      assignment: "client/views/assignment/main.tsx",
      exits: "client/views/exits/main.tsx",
      compare: "client/views/compare/main.tsx",
      vmcs: "client/views/vmcs/main.tsx",
      rings: "client/views/rings/main.tsx",
      hypercalls: "client/views/hypercalls/main.tsx",
      schedule: "client/views/schedule/main.tsx",
      devices: "client/views/devices/main.tsx",
      cache: "client/views/cache/main.tsx",
      translation: "client/views/translation/main.tsx",
      trace: "client/views/trace/main.tsx",
    },
    platform: "browser",
    format: "iife",
    jsx: "automatic",
    jsxImportSource: "preact",
    loader: { ".css": "text" },
  },
];

export async function bundleAll(): Promise<void> {
  await Promise.all(bundles.map((bundle) => build({ ...common, outdir: "dist", ...bundle })));
}
