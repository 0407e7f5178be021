import { describe, it } from '@jest/globals';
import { Random } from '../../../src/simulation/random.js';
import { minutes, seconds, simulate } from '../../../src/simulation/simulate.js';

/** Does something bad, or undoes it; whatever the seed says. */
function meddle(random: Random, cluster: ReturnType<typeof simulate>): void {
  const name = random.pick(cluster.names);
  const other = random.pick(cluster.names);
  const { isRunning, loop } = cluster.node(name);
  const faults: (() => unknown)[] = [
    () => name !== other && cluster.cut(name, other),
    () => name !== other && cluster.cutOneWay(name, other),
    () => cluster.healAll(),
    () => cluster.lose(random.between(0, 0.2)),
    () => cluster.lose(0),
    () => isRunning && !loop.isFrozen && cluster.stall(name, random.between(50, 8000)),
    () => isRunning && cluster.setMetadata(name, { at: cluster.nowMs }),
    () => isRunning && cluster.crash(name),
    () => isRunning && cluster.powerOff(name),
    () => !isRunning && cluster.restart(name),
    () => !isRunning && cluster.restart(name),
    () => isRunning && !loop.isFrozen && random.chance(0.3) && cluster.leave(name),
    () => cluster.answerDials(name, random.pick(['allow', 'refuse', 'drop'] as const)),
  ];
  random.pick(faults)();
}

describe('whatever happens, the invariants hold, and peace brings agreement', () => {
  it.each(Array.from({ length: 20 }, (_, seed) => seed))('seed %i', (seed) => {
    const random = new Random(1000 + seed);
    const nodes = 3 + random.int(8);
    const cluster = simulate({ nodes, seed, start: 'together', wire: seed % 4 === 0 });
    for (let step = 0; step < 40; step++) {
      meddle(random, cluster);
      cluster.runFor(random.between(0, seconds(5)));
    }
    cluster.healAll().lose(0);
    for (const name of cluster.names) cluster.answerDials(name, 'allow');
    for (const name of cluster.names) if (!cluster.node(name).isRunning) cluster.restart(name);
    cluster.runFor(seconds(10)).settle({ within: minutes(5) });
  });
});
