/** Versions of NATS servers. Pure. */

/** Negative: `left` is older. What follows a dash counts for nothing. */
export function compareVersions(left: string, right: string): number {
  const [a, b] = [toNumbers(left), toNumbers(right)];
  return a.map((part, at) => part - (b[at] ?? 0)).find((difference) => difference !== 0) ?? 0;
}

function toNumbers(version: string): readonly number[] {
  const parts = version.replace(/^v/, '').split(/[.-]/, 3);
  return [0, 1, 2].map((at) => Number(parts[at]) || 0);
}
