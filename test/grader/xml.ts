/** As much of XML as a report needs, strictly: a text that is not well formed is refused. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  readonly text: string;
}

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function unescaped(text: string): string {
  if (/&(?!(amp|lt|gt|quot|apos);)|</.test(text)) throw new Error(`not escaped: ${text}`);
  return text.replace(/&(\w+);/g, (_, name: string) => entities[name]!);
}

export function parseXml(source: string): XmlElement {
  let rest = source.replace(/^<\?xml version="1\.0" encoding="UTF-8"\?>\s*/, "");
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    const found = pattern.exec(rest);
    if (found) rest = rest.slice(found[0].length);
    return found ?? undefined;
  };
  const element = (): XmlElement => {
    const open = take(/^<([a-z-]+)((?: [a-z-]+="[^"<]*")*)(\/?)>/);
    if (!open) throw new Error(`no element: ${rest.slice(0, 60)}`);
    const [, name, list, empty] = open;
    const pairs = [...list!.matchAll(/ ([a-z-]+)="([^"]*)"/g)].map(([, key, value]) => [key!, unescaped(value!)]);
    if (new Set(pairs.map(([key]) => key)).size !== pairs.length) throw new Error(`an attribute twice: ${list}`);
    const children: XmlElement[] = [];
    let text = "";
    while (!empty && !take(new RegExp(`^</${name}>`))) {
      text += unescaped(take(/^[^<]+/)?.[0] ?? "");
      if (/^<[a-z]/.test(rest)) children.push(element());
      else if (!rest.startsWith("</")) throw new Error(`not well formed: ${rest.slice(0, 60)}`);
    }
    return { name: name!, attributes: Object.fromEntries(pairs), children, text };
  };
  const root = element();
  if (rest.trim() !== "") throw new Error(`more than one root: ${rest.slice(0, 60)}`);
  return root;
}
