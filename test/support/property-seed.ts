import { execFileSync } from 'node:child_process';
import fc from 'fast-check';

/**
 * The seed of all property tests follows from the commit: each change meets new cases, and CI meets the same ones
 * as the run before it. `PROPERTY_SEED=… npm test` replays another.
 */
function seedOfCommit(): number {
  const given = process.env['PROPERTY_SEED'];
  if (given !== undefined) return Number(given) | 0;
  try {
    const tree = execFileSync('git', ['rev-parse', 'HEAD^{tree}'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return Number.parseInt(tree.slice(0, 8), 16) | 0;
  } catch {
    return 1; // Not a checkout: a packed source tree.
  }
}

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: seedOfCommit() });
