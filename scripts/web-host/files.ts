import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { join, normalize, resolve, sep } from "node:path";

/** What the server answers a request with. */
export interface Answer {
  readonly status: number;
  readonly type?: string;
  readonly body?: string | Uint8Array;
}

const json = (value: unknown): Answer => ({ status: 200, type: "application/json", body: JSON.stringify(value) });

/** The file of a folder that a URL path names; undefined if the path leads out of the folder. */
export function inside(folder: string, path: string): string | undefined {
  const root = resolve(folder);
  const target = join(root, normalize(`/${path}`));
  return target === root || target.startsWith(root + sep) ? target : undefined;
}

/** VS Code's FileType: 1 file, 2 directory. */
const fileType = (entry: { isDirectory(): boolean }) => (entry.isDirectory() ? 2 : 1);

async function body(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function read(file: string, query: URLSearchParams): Promise<Answer> {
  const found = await stat(file);
  if (query.has("stat"))
    return json({ type: fileType(found), size: found.size, ctime: found.birthtimeMs, mtime: found.mtimeMs });
  if (query.has("list")) {
    const entries = await readdir(file, { withFileTypes: true });
    return json(entries.map((entry) => [entry.name, fileType(entry)]));
  }
  return { status: 200, type: "application/octet-stream", body: await readFile(file) };
}

/** `/files/NAME/…` is the folder, whatever its name; renames give the same path without `/files`. */
const withoutName = (path: string) => path.split("/").slice(2).join("/");

/** Serves one operation on the workspace folder. */
export async function serveFile(folder: string, request: IncomingMessage, url: URL): Promise<Answer> {
  const file = inside(folder, decodeURIComponent(withoutName(url.pathname.slice("/files".length))));
  if (!file) return { status: 403, body: "outside of the folder" };
  try {
    switch (request.method) {
      case "GET":
        return await read(file, url.searchParams);
      case "PUT":
        await writeFile(file, await body(request));
        return { status: 204 };
      case "DELETE":
        await rm(file, { recursive: true });
        return { status: 204 };
      case "POST": {
        const target = url.searchParams.get("rename");
        if (target === null) await mkdir(file, { recursive: true });
        else {
          const to = inside(folder, withoutName(target));
          if (!to) return { status: 403, body: "outside of the folder" };
          await rename(file, to);
        }
        return { status: 204 };
      }
      default:
        return { status: 405, body: "no such operation" };
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return { status: code === "ENOENT" || code === "ENOTDIR" ? 404 : 403, body: String(error) };
  }
}
