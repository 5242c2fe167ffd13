import axe from "axe-core";
import type { Frame } from "playwright-core";

/**
 * What axe-core finds wrong on a page, a line each: the rule, and the first elements that break it. The pale examples of empty views
 * are decoration, and say so to screen readers.
 */
export async function accessibilityProblems(frame: Frame): Promise<readonly string[]> {
  // The page's own rules about scripts do not hold for what a test evaluates.
  await frame.evaluate(axe.source);
  const violations = await frame.evaluate(async () => {
    const { axe: engine } = globalThis as unknown as { axe: typeof axe };
    const results = await engine.run({ exclude: [[".pale"]] }, { resultTypes: ["violations"] });
    return results.violations.map(({ id, help, nodes }) => ({
      rule: `${id}: ${help}`,
      places: nodes
        .slice(0, 3)
        .map(({ html, any, all }) => `${html.slice(0, 160)} — ${[...any, ...all][0]?.message ?? ""}`),
      count: nodes.length,
    }));
  });
  return violations.map(({ rule, places, count }) => `${rule} (${count})\n  ${places.join("\n  ")}`);
}
