import { describe, it, expect } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { resolveSwimOptions, swimPresets } from '../../../src/membership/swim/options.js';

describe('the options', () => {
  it('are those of the reference implementation for each preset', () => {
    expect(resolveSwimOptions('lan')).toMatchObject({
      probeIntervalMs: 1000,
      probeTimeoutMs: 500,
      indirectProbes: 3,
      suspicionAlpha: 4,
    });
    expect(resolveSwimOptions('wan')).toMatchObject({
      probeIntervalMs: 5000,
      probeTimeoutMs: 3000,
      indirectProbes: 3,
      suspicionAlpha: 6,
    });
    expect(resolveSwimOptions('local')).toMatchObject({
      probeIntervalMs: 1000,
      probeTimeoutMs: 200,
      indirectProbes: 1,
      suspicionAlpha: 3,
    });
    expect(resolveSwimOptions()).toEqual(resolveSwimOptions('lan'));
  });

  it('follow from others where nothing is said', () => {
    expect(resolveSwimOptions('lan', { probeIntervalMs: 200 })).toMatchObject({
      healIntervalMs: 2000,
      syncTimeoutMs: 2000,
    });
    expect(resolveSwimOptions('wan')).toMatchObject({ joinTimeoutMs: 6000, syncTimeoutMs: 10_000 });
  });

  it('that are undefined keep their defaults, and one component can be switched off', () => {
    const options = resolveSwimOptions('lan', {
      probeIntervalMs: undefined,
      components: { buddy: false, lhaProbe: undefined },
    });
    expect(options.probeIntervalMs).toBe(1000);
    expect(options.components).toMatchObject({ buddy: false, lhaProbe: true });
  });

  it('leave tombstones longer than anything can go round', () => {
    for (const preset of ['lan', 'wan', 'local'] as const) {
      const options = resolveSwimOptions(preset);
      const maxSuspicionMs =
        options.suspicionAlpha * options.suspicionBeta * Math.log10(16_384) * options.probeIntervalMs;
      expect(options.tombstoneMs).toBeGreaterThan(2 * (maxSuspicionMs + options.syncIntervalMs));
    }
  });

  it('are the same in docs/PROTOCOL.md', () => {
    const text = readFileSync(new URL('../../../docs/PROTOCOL.md', import.meta.url), 'utf8');
    for (const option of [
      'probeIntervalMs',
      'probeTimeoutMs',
      'indirectProbes',
      'suspicionAlpha',
      'suspicionBeta',
      'retransmitMultiplier',
      'syncIntervalMs',
    ] as const) {
      const row = text.split('\n').find((line) => line.startsWith(`| \`${option}\``))!;
      const cells = row
        .split('|')
        .slice(3, 6)
        .map((cell) => Number(cell.replaceAll(',', '')));
      expect(cells).toEqual([swimPresets.lan[option], swimPresets.wan[option], swimPresets.local[option]]);
    }
  });
});
