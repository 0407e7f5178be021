import type { Latency } from '../network/latency.js';
import type { Stage } from './stage.js';

/** What may happen between processes; each theme is one way for a network to be bad. */

/** The cluster falls into two or three parts, and comes together again. */
export function partitions(stage: Stage): void {
  for (let left = stage.count(1, 3); left > 0; left--) {
    const atMs = stage.moment();
    const groups: string[][] = Array.from({ length: stage.count(2, 3) }, () => []);
    const weights = groups.map(() => stage.random.between(0.1, 1));
    for (const name of stage.names) groups[heaviest(weights, stage)]!.push(name);
    const sides = groups.filter(({ length }) => length > 0);
    if (sides.length > 1) stage.put(atMs, { kind: 'partition', groups: sides });
    stage.put(atMs + stage.lasting(500, 120_000), { kind: 'heal-all' });
  }
}

/** Some ways are cut, often in one direction only. */
export function cuts(stage: Stage): void {
  for (let left = stage.count(1, stage.names.length); left > 0; left--) {
    const atMs = stage.moment();
    const untilMs = atMs + stage.lasting(300, 60_000);
    const [a, b] = stage.pair();
    const ways = stage.random.chance(0.5) ? ([[a, b]] as const) : ([[a, b], [b, a]] as const); // prettier-ignore
    for (const [from, to] of ways) {
      stage.put(atMs, { kind: 'cut', from, to });
      stage.put(untilMs, { kind: 'heal', from, to });
    }
  }
}

/** One node can send but not receive, or receive but not send. */
export function deafOrMute(stage: Stage): void {
  const node = stage.anyone();
  const isDeaf = stage.random.chance(0.5);
  const atMs = stage.moment();
  const untilMs = atMs + stage.lasting(1000, 60_000);
  for (const other of stage.names) {
    if (other === node) continue;
    const way = isDeaf ? { from: other, to: node } : { from: node, to: other };
    stage.put(atMs, { kind: 'cut', ...way });
    stage.put(untilMs, { kind: 'heal', ...way });
  }
}

/** Ways that go up and down. */
export function flapping(stage: Stage): void {
  for (let left = stage.count(1, 6); left > 0; left--) {
    const [a, b] = stage.pair();
    const downMs = stage.lasting(100, 8000);
    const upMs = stage.lasting(100, 8000);
    const times = Math.max(1, Math.min(stage.count(1, 20), Math.floor(stage.spanMs / (downMs + upMs))));
    stage.put(stage.moment(), { kind: 'flap', a, b, downMs, upMs, times });
  }
}

/** Whole messages are lost, a few or very many. */
export function loss(stage: Stage): void {
  for (let left = stage.count(1, 4); left > 0; left--) {
    const way = stage.way();
    const atMs = stage.moment();
    stage.put(atMs, { kind: 'lose', share: stage.share(0.01, stage.random.chance(0.2) ? 0.9 : 0.3), ...way });
    stage.put(atMs + stage.lasting(2000, 60_000), { kind: 'lose', share: 0, ...way });
  }
}

/** What TCP never does, and a broken session would: messages that come twice, or in another order. */
export function disorder(stage: Stage): void {
  for (let left = stage.count(1, 4); left > 0; left--) {
    const way = stage.way();
    const atMs = stage.moment();
    const untilMs = atMs + stage.lasting(5000, 60_000);
    if (stage.random.chance(0.5)) {
      stage.put(atMs, { kind: 'duplicate', share: stage.share(0.02, 0.5), ...way });
      stage.put(untilMs, { kind: 'duplicate', share: 0, ...way });
    } else {
      stage.put(atMs, {
        kind: 'reorder',
        share: stage.share(0.02, 0.5),
        spreadMs: stage.lasting(5, 3000),
        ...way,
      });
      stage.put(untilMs, { kind: 'reorder', share: 0, spreadMs: 0, ...way });
    }
  }
}

/** Long ways, and ways with a long tail. */
export function slowNetwork(stage: Stage): void {
  const { random } = stage;
  const typicalMs = stage.lasting(2, stage.swim.probeTimeoutMs);
  const tails: readonly Latency[] = [
    { minMs: typicalMs / 2, maxMs: typicalMs },
    { minMs: typicalMs / 4, maxMs: typicalMs * 20, shape: 'exponential', meanMs: typicalMs },
    { minMs: typicalMs / 4, maxMs: typicalMs * 20, shape: 'log-normal', meanMs: typicalMs },
  ];
  const atMs = random.chance(0.5) ? 0 : stage.moment();
  if (random.chance(0.5)) {
    stage.put(atMs, { kind: 'delay', latency: random.pick(tails) });
    return;
  }
  const node = stage.anyone();
  for (const other of stage.some(1, 8)) {
    if (other === node) continue;
    const latency = random.pick(tails);
    stage.put(atMs, { kind: 'delay', latency, from: node, to: other });
    stage.put(atMs, { kind: 'delay', latency, from: other, to: node });
  }
}

/**
 * A firewall that refuses or drops new dials while kept links go on. Some links are broken and some answers late, so
 * that dials are needed.
 */
export function lyingFirewall(stage: Stage): void {
  const { random } = stage;
  const rule = random.pick(['refuse', 'refuse', 'drop'] as const);
  const atMs = stage.moment();
  const untilMs = atMs + stage.lasting(3000, 90_000);
  for (const node of stage.some(1, Math.ceil(stage.names.length / 4))) {
    stage.put(atMs, { kind: 'answer-dials', node, rule });
    stage.put(untilMs, { kind: 'answer-dials', node, rule: 'allow' });
    const { probeTimeoutMs, probeIntervalMs } = stage.swim;
    for (let left = stage.count(0, 4); left > 0; left--) {
      const ms = stage.lasting(probeTimeoutMs, 3 * probeIntervalMs);
      stage.put(random.between(atMs, untilMs), { kind: random.pick(['stall', 'block-io']), node, ms });
    }
    for (const other of stage.some(0, 4)) {
      if (other === node) continue;
      stage.put(atMs + 10, { kind: 'cut', from: other, to: node });
      stage.put(atMs + stage.lasting(500, 6000), { kind: 'heal', from: other, to: node });
    }
  }
}

/** An index, the likelier the heavier. */
function heaviest(weights: readonly number[], stage: Stage): number {
  let left = stage.random.next() * weights.reduce((sum, weight) => sum + weight, 0);
  for (const [index, weight] of weights.entries()) {
    left -= weight;
    if (left < 0) return index;
  }
  return weights.length - 1;
}
