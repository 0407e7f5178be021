// `npm run hostile -- --minutes 60 --seed 7`: the campaign of test/hostile, for as long as one likes.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

/** From within a cluster there is less to try than from outside, and it is at the mercy of whoever is let in. */
const INSIDERS_SHARE = 0.2;
/** Each: without the secret of a secured cluster, with it, and without a certificate. */
const SECURED_SHARE = 0.15;
const MAX_MINUTES = 24 * 60;

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '5' }, seed: { type: 'string' } },
});
const minutes = Number(values.minutes);
const seed = values.seed === undefined ? undefined : Number(values.seed);
if (!(minutes > 0 && minutes <= MAX_MINUTES) || (seed !== undefined && !Number.isInteger(seed))) {
  console.error(`Usage: npm run hostile -- [--minutes 0.1–${MAX_MINUTES}] [--seed <integer>]`);
  process.exit(2);
}
const ms = Math.round(minutes * 60_000);
const insidersMs = Math.round(ms * INSIDERS_SHARE);
const securedMs = Math.round(ms * SECURED_SHARE);
const { status } = spawnSync(
  process.execPath,
  [
    ...['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js'],
    ...['test/hostile/hostile.test.ts', '--runInBand'],
  ],
  {
    stdio: 'inherit',
    env: {
      ...process.env,
      HOSTILE_OUTSIDERS_MS: String(ms - insidersMs - 3 * securedMs),
      HOSTILE_SECURED_MS: String(securedMs),
      HOSTILE_INSIDERS_MS: String(insidersMs),
      ...(seed === undefined ? {} : { FC_SEED: String(seed) }),
    },
  },
);
process.exitCode = status ?? 1;
