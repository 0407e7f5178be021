import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { JsonReport } from '../../../src/simulation/cli/report.js';

const ROOT = join(import.meta.dirname, '../../..');

/** The built command, in a process of its own with real threads: `npm test` builds before it tests. */
async function simulate(args: string): Promise<JsonReport> {
  const command = [join(ROOT, 'scripts/simulate.mjs'), ...args.split(' '), '--json', '-'];
  const { stdout } = await promisify(execFile)(process.execPath, command, { cwd: ROOT });
  return JSON.parse(stdout) as JsonReport;
}

describe('the command', () => {
  it('comes to the same with one thread and with two', async () => {
    const seeds = '--seeds 6 --from 40 --nodes 3..5';
    const [alone, shared] = [await simulate(`${seeds} --jobs 1`), await simulate(`${seeds} --jobs 2`)];
    expect(alone).toMatchObject({ ok: true, seeds: 6, jobs: 1 });
    expect(shared.jobs).toBe(2);
    const { inputs, messages, virtualHours, sometimes } = alone;
    expect(shared).toMatchObject({ inputs, messages, virtualHours, sometimes });
  });
});
