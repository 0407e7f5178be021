import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  drawScenario,
  isOfNodes,
  kindOf,
  type AnyScenario,
} from '../../../src/simulation/cli/any-scenario.js';
import { parseCliOptions } from '../../../src/simulation/cli/cli-options.js';
import { main } from '../../../src/simulation/cli/main.js';
import type { JsonReport } from '../../../src/simulation/cli/report.js';
import { failed } from '../../../src/simulation/cli/run-seed.js';
import type { SeedRunner } from '../../../src/simulation/cli/seed-runner.js';
import type { ScenarioResult } from '../../../src/simulation/scenarios/scenario-result.js';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'survey-'))));
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs nothing: a rule is broken wherever a process is restarted, and seed 6 does not end. */
function planted(): SeedRunner {
  const play = ({ seed, schedule }: AnyScenario): ScenarioResult => {
    const isBroken = schedule.some(({ fault }) => fault.kind === 'restart');
    const result = failed(seed, '5', 'Invariant 5 is broken: b came back');
    return isBroken ? result : { ...result, ok: true, violation: undefined };
  };
  return {
    run: async (task) => {
      const result =
        task.seed === 6 ? failed(6, 'did not end', 'Seed 6 did not end') : play(drawScenario(task));
      return { kind: kindOf(task), result, realMs: 1 };
    },
    play: async (scenario) => play(scenario),
    close: async () => {},
  };
}

async function simulate(
  ...args: readonly string[]
): Promise<{ code: number; out: string; err: string; report: JsonReport }> {
  let out = '';
  let err = '';
  const json = join(folder, 'report.json');
  const io = { out: (text: string) => void (out += text), err: (text: string) => void (err += text) };
  const code = await main([...args, '--json', json, '--jobs', '1'], io, planted);
  return { code, out, err, report: JSON.parse(readFileSync(json, 'utf8')) as JsonReport };
}

describe('a run over many seeds', () => {
  it.each(['protocol', 'nodes'] as const)('shrinks a violation of kind %s, and saves it', async (kind) => {
    const file = join(folder, 'saved.json');
    const { code, out, report } = await simulate('--seeds', '200', '--kind', kind, '--save', file);
    expect(code).toBe(1);
    expect(report.violations).toHaveLength(1);
    const [violation] = report.violations;
    expect(violation).toMatchObject({ kind, violation: { invariant: '5' } });
    expect(violation!.scenario!.schedule.length).toBeGreaterThan(1);
    const saved = JSON.parse(readFileSync(file, 'utf8')) as AnyScenario;
    expect(saved).toEqual(violation!.shrunk!.scenario);
    expect(isOfNodes(saved)).toBe(kind === 'nodes');
    expect(saved.schedule.map(({ fault }) => fault.kind)).toEqual(['restart']);
    expect(out).toContain('shrunk to 1 fault in ');
    expect(out).toContain(
      `--seed ${violation!.seed} --nodes ${kind === 'nodes' ? '3..8' : '5..64'} --kind ${kind} --trace`,
    );
  });

  it('says of each violation how to draw the same scenario again, whatever the kind', async () => {
    const { report } = await simulate(
      ...'--seeds 40 --from 8 --nodes 20 --keep-going --no-shrink'.split(' '),
    );
    expect(new Set(report.violations.map(({ kind }) => kind))).toEqual(new Set(['protocol', 'nodes']));
    for (const { seed, replay, scenario } of report.violations) {
      const args = replay.split(' -- ')[1]!.split(' ');
      const options = parseCliOptions(args);
      expect(JSON.parse(JSON.stringify(drawScenario({ ...options, seed })))).toEqual(scenario);
    }
  });

  it('tells of a seed that did not end, and does not shrink it', async () => {
    const { code, out, err, report } = await simulate('--from', '6', '--seeds', '1');
    expect(code).toBe(1);
    // At once, as the report may be long in coming.
    expect(err).toMatch(/^seed 6 has failed\n/);
    expect(out).toContain('seed 6 did not end\n  Seed 6 did not end\n');
    expect(report.violations[0]!.shrunk).toBeUndefined();
  });
});
