import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { experimentOptions } from '../../../src/simulation/cli/experiment-args.js';
import { main } from '../../../src/simulation/cli/main.js';
import { localRunner } from '../../../src/simulation/cli/seed-runner.js';
import { experiments } from '../../../src/simulation/experiments/experiments.js';
import type { JsonReport } from '../../../src/simulation/cli/report.js';
import type { NodeScenario } from '../../../src/simulation/nodes/node-scenario.js';
import type { Scenario } from '../../../src/simulation/scenarios/scenario.js';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'simulate-'))));
afterEach(() => rmSync(folder, { recursive: true }));

/** Calls the command line as a shell would, in this process. */
async function simulate(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const io = { out: (text: string) => void (out += text), err: (text: string) => void (err += text) };
  // Threads run only what was built.
  const code = await main(args, io, localRunner);
  return { code, out, err };
}

/** Power fails and there is next to no time to find that out: rule 14 is broken for sure. */
const hopeless: Scenario = {
  seed: 1,
  nodes: 4,
  themes: [],
  options: {},
  schedule: [
    { atMs: 1000, fault: { kind: 'set-metadata', node: 'a', metadata: {} } },
    { atMs: 2000, fault: { kind: 'power-off', node: 'b' } },
  ],
  runForMs: 2100,
  settleWithinMs: 2000,
};

describe('npm run simulate', () => {
  it('tells its options', async () => {
    const { code, out } = await simulate('--help');
    expect(code).toBe(0);
    expect(out).toContain('--seeds N');
    for (const experiment of experiments) expect(out).toContain(experiment.name);
    expect(out).toContain('--message-cost MS');
  });

  it('tells the options of experiments', async () => {
    for (const args of ['--experiment swim-load --help', '--help --experiment', '-h --experiment=x']) {
      const { code, out } = await simulate(...args.split(' '));
      expect(code).toBe(0);
      for (const option of Object.keys(experimentOptions)) expect(out).toMatch(new RegExp(`--${option} `));
      expect(out).toContain('swim-load            Messages per member and period');
      expect(out).toContain('takes --nodes …, --runs, --relays\n');
      expect(out).not.toContain('--seeds');
    }
  });

  it('takes each option once', async () => {
    const twice = await simulate(...'--seed 1 --seed 2'.split(' '));
    expect(twice).toEqual({ code: 2, out: '', err: 'Option "--seed" is given twice\n' });
  });

  it('ends with 2 and a sentence when it is called wrongly', async () => {
    expect(await simulate('--nodes', '9..2')).toEqual({
      code: 2,
      out: '',
      err: 'Option "--nodes" is "9..2": must be MIN..MAX or one number, from 2 to 5000, for example 5..64\n',
    });
    const missing = await simulate('--schedule', join(folder, 'none.json'));
    expect(missing).toMatchObject({
      code: 2,
      err: expect.stringMatching(/"--schedule" is ".*none.json", which cannot be read/),
    });
    const folderAsTrace = await simulate('--seed', '1', '--trace', folder);
    expect(folderAsTrace).toMatchObject({ code: 2, err: expect.stringContaining('"--trace"') });
  });

  it.each([
    ['--json', '--seeds 1'],
    ['--save', '--seeds 1'],
    ['--json', '--seed 4'],
    ['--save', '--seed 4'],
    ['--json', '--experiment swim-load'],
  ])('tries the file of %s before it runs anything: %s', async (option, rest) => {
    const unwritable = join(folder, 'none', 'file.json');
    const { code, out, err } = await simulate(...rest.split(' '), option, unwritable);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toBe(
      `Option "${option}" is "${unwritable}", which cannot be written: ENOENT: no such file or directory, open '${unwritable}'\n`,
    );
  });

  it('leaves the file of --save alone when there is nothing to save', async () => {
    const [fresh, old] = [join(folder, 'new.json'), join(folder, 'old.json')];
    writeFileSync(old, 'kept');
    const args = '--seeds 1 --nodes 3 --jobs 1 --kind protocol --save'.split(' ');
    for (const file of [fresh, old]) expect((await simulate(...args, file)).code).toBe(0);
    expect(existsSync(fresh)).toBe(false);
    expect(readFileSync(old, 'utf8')).toBe('kept');
  });

  it('runs seeds and tells how much that was', async () => {
    const file = join(folder, 'report.json');
    const args = '--seeds 4 --from 20 --nodes 3..5 --jobs 1 --kind protocol --json'.split(' ');
    const { code, out } = await simulate(...args, file);
    expect(code).toBe(0);
    expect(out).toMatch(/^4 seeds from 20, 3\.\.5 nodes: all is well\n/);
    expect(out).toMatch(/slowest: \d+ \(/);
    const report = JSON.parse(readFileSync(file, 'utf8')) as JsonReport;
    expect(report).toMatchObject({ ok: true, from: 20, seeds: 4, nodes: [3, 5], jobs: 1, violations: [] });
    expect(report.inputs).toBeGreaterThan(1000);
    expect(report.virtualHours).toBeGreaterThan(0.01);
    // So few seeds need not take every path.
    expect(report.missing.length).toBeGreaterThan(0);
  });

  it('writes nothing but JSON to standard output with --json -', async () => {
    const { out, err } = await simulate(
      ...'--seeds 1 --nodes 3 --jobs 1 --kind protocol --json -'.split(' '),
    );
    expect(JSON.parse(out)).toMatchObject({ seeds: 1 });
    expect(err).toContain('1 seeds from 1');
  });

  it('runs a single seed, and writes its trace where it is told to', async () => {
    const file = join(folder, 'trace.txt');
    const { code, out } = await simulate(...'--seed 4 --nodes 3 --kind protocol --trace'.split(' '), file);
    expect(code).toBe(0);
    expect(out).toMatch(/^seed 4: all is well\n/);
    const trace = readFileSync(file, 'utf8');
    expect(trace).toMatch(/ s {2}b +joined a/);
    const traced = await simulate(...'--seed 4 --nodes 3 --kind protocol --trace'.split(' '));
    expect(traced.out).toBe(trace);
    const withMessages = await simulate(
      ...'--seed 4 --nodes 3 --kind protocol --trace --messages'.split(' '),
    );
    expect(withMessages.out.length).toBeGreaterThan(2 * trace.length);
  });

  it('runs a single seed of whole nodes', async () => {
    const { code, out } = await simulate(...'--seed 7 --nodes 3'.split(' '));
    expect(out).toMatch(/^seed 7: all is well\n/);
    expect(code).toBe(0);
  });

  it('runs as many whole nodes as it is asked for, and says how many', async () => {
    const { code, out } = await simulate(...'--seeds 1 --jobs 1 --kind nodes --nodes 9'.split(' '));
    expect(code).toBe(0);
    expect(out).toMatch(/^1 seeds from 1, 9 whole nodes: all is well\n/);
    const single = await simulate(...'--seed 1 --kind nodes --nodes 9'.split(' '));
    expect(single.err).toContain('seed 1: 9 whole nodes');
  });

  it('saves, shrinks and replays a scenario of whole nodes as well', async () => {
    const file = join(folder, 'nodes.json');
    const seed = '--seed 7 --nodes 3 --save'.split(' ');
    const drawn = await simulate(...seed, file);
    expect(drawn.code).toBe(0);
    const again = await simulate('--schedule', file);
    const hashOf = (text: string): string | undefined => /trace (\w+)/.exec(text)?.[1];
    expect(hashOf(drawn.out)).toMatch(/^\w{14}$/);
    expect(hashOf(again.out)).toBe(hashOf(drawn.out));
    // There is no time to agree, whatever the faults.
    const saved = JSON.parse(readFileSync(file, 'utf8')) as NodeScenario;
    const schedule: NodeScenario['schedule'] = [{ atMs: 900, fault: { kind: 'power-off', node: 'b' } }];
    writeFileSync(file, JSON.stringify({ ...saved, schedule, runForMs: 1000, settleWithinMs: 1000 }));
    const trace = join(folder, 'trace.txt');
    const traced = await simulate('--schedule', file, '--trace', trace);
    expect(traced.code).toBe(1);
    expect(readFileSync(trace, 'utf8')).toContain(' power-off b\n');
    const broken = await simulate('--schedule', file, '--save', file);
    expect(broken.out).toContain('seed 7 breaks rule 14 at ');
    expect(broken.out).toMatch(/shrunk to 1 fault in \d+ attempts: 2 whole nodes, /);
    const shrunk = JSON.parse(readFileSync(file, 'utf8')) as NodeScenario;
    expect(shrunk).toMatchObject({ kind: 'nodes', schedule: [{ fault: { kind: 'power-off' } }] });
    expect(shrunk.options.limits).toEqual({});
    const replayed = await simulate('--schedule', file, '--no-shrink');
    expect(replayed).toMatchObject({ code: 1, out: expect.stringContaining('breaks rule 14') });
  });

  it('shrinks a violation, and says how to see it again', async () => {
    const file = join(folder, 'hopeless.json');
    writeFileSync(file, JSON.stringify(hopeless));
    const { code, out, err } = await simulate('--schedule', file);
    expect(code).toBe(1);
    expect(err).toContain('power-off b');
    expect(out).toContain('seed 1 breaks rule 14 at ');
    expect(out).toContain('Waited 2000 ms in vain until all agree');
    expect(out).toContain('shrunk to 1 fault in ');
    expect(out).toMatch(/replay with:\n {2}npm run simulate -- --schedule .*hopeless.json --trace\n/);
    const shrunk = out.split('\n').find((line) => line.startsWith('{'))!;
    writeFileSync(file, shrunk);
    const again = await simulate('--schedule', file, '--no-shrink', '--check-determinism');
    expect(again.code).toBe(1);
    expect(again.out).toContain('seed 1 breaks rule 14 at ');
    const wasShrunk = JSON.parse(shrunk) as Scenario;
    expect(wasShrunk.schedule.map(({ fault }) => fault.kind)).toEqual(['power-off']);
  });
});
