import { answer } from '../workers.js';
import { CrowdedCore, type Lesson } from './crowded-core.js';

/** They live on, so that nothing of theirs is collected while the next one is measured. */
const cores: CrowdedCore[] = [];

answer({
  /** Bytes per member that one core's heap grows by; the process runs with `--expose-gc`. */
  measure: ({ members, lesson }: { members: number; lesson: Lesson }): number => {
    const core = new CrowdedCore(members, cores.length + 1);
    cores.push(core);
    const before = heldBytes();
    core.learn(lesson);
    if (core.size !== members) throw new Error(`The view has ${core.size} members, not ${members}`);
    return (heldBytes() - before) / (members - 1);
  },
});

function heldBytes(): number {
  for (let pass = 0; pass < 4; pass++) globalThis.gc!();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
