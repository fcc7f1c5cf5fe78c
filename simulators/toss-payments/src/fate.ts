// fate.ts: a seeded draw that depends on who is asked about, not on the sequence of questions.
/** A number from 0 to below 1, the same for the same seed, rule, order and operation. */
export function fate(seed: string, ruleId: number, asked: { orderId: string; operation: string }): number {
  const text = `${seed} ${ruleId} ${asked.operation} ${asked.orderId}`;
  let hash = 0x811c9dc5;
  for (let n = 0; n < text.length; n += 1) hash = Math.imul(hash ^ text.charCodeAt(n), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
