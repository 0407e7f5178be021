import type { Stage } from './stage.js';

/** What happens without any other misfortune: each of these has a scenario for itself. */

/** Processes say goodbye, one after the other or a few at once, and nobody is in trouble. */
export function calmLeaves(stage: Stage): void {
  let atMs = stage.moment() / 4;
  const gapMs = stage.lasting(100, 30_000);
  for (const node of stage.some(1, stage.mortals.length, stage.mortals)) {
    stage.put(atMs, { kind: 'leave', node });
    atMs += gapMs * stage.random.between(0.5, 1.5);
  }
}
