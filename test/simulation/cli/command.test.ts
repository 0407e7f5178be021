import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { drawScenario, playScenario } from '../../../src/simulation/cli/any-scenario.js';
import type { JsonReport } from '../../../src/simulation/cli/report.js';

const ROOT = join(import.meta.dirname, '../../..');

/** The built command, in a process of its own with real threads: `npm test` builds before it tests. */
async function run(...args: readonly string[]): Promise<string> {
  const command = [join(ROOT, 'scripts/simulate.mjs'), ...args];
  const { stdout } = await promisify(execFile)(process.execPath, command, { cwd: ROOT, maxBuffer: 2 ** 28 });
  return stdout;
}

async function simulate(args: string): Promise<JsonReport> {
  return JSON.parse(await run(...args.split(' '), '--json', '-')) as JsonReport;
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

  it.each(['protocol', 'nodes'] as const)(
    'traces %s byte for byte as they are traced here, under Jest',
    async (kind) => {
      const nodes = [4, 6] as const;
      const lines: string[] = [];
      await playScenario(drawScenario({ seed: 7, nodes, kind }), {
        onTrace: (line) => void lines.push(line),
      });
      const trace = await run('--seed', '7', '--nodes', nodes.join('..'), '--kind', kind, '--trace');
      expect(lines.length).toBeGreaterThan(100);
      expect(trace).toBe(`${lines.join('\n')}\n`);
    },
  );
});
