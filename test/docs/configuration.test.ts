import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { resolveOptions } from '../../src/cluster/validate-options.js';
import type {
  ClusterRootOptions,
  SecretSecurityOptions,
  TlsOptions,
  TlsSecurityOptions,
} from '../../src/index.js';
import { swimPresets } from '../../src/membership/swim/options.js';

const text = readFileSync(new URL('../../docs/guide/configuration.md', import.meta.url), 'utf8');

/** Every option there is. A record, since the compiler then misses none. */
const options = Object.keys({
  clusterName: true,
  nodeName: true,
  host: true,
  port: true,
  advertise: true,
  discovery: true,
  preset: true,
  swim: true,
  metadata: true,
  security: true,
  serializer: true,
  limits: true,
  requestTimeoutMs: true,
  drainTimeoutMs: true,
  enabled: true,
  tracing: true,
  autoJoin: true,
  logger: true,
  transport: true,
  clock: true,
  random: true,
  waitFor: true,
  globalGuards: true,
  as: true,
} satisfies Record<keyof ClusterRootOptions, true>);

/** The same for what stands under `security`. */
const securityOptions = [
  'unset',
  "'none'",
  ...Object.keys({ secrets: true, migrate: true } satisfies Record<
    Exclude<keyof SecretSecurityOptions | keyof TlsSecurityOptions, 'tls'>,
    true
  >),
  ...Object.keys({
    ca: true,
    cert: true,
    key: true,
    passphrase: true,
    crl: true,
    checkName: true,
    reloadIntervalMs: true,
  } satisfies Record<keyof TlsOptions, true>).map((name) => `tls.${name}`),
];

/** Cells of the rows below a heading. */
function rowsBelow(heading: string): string[][] {
  const section = text.split(/^## /m).find((each) => each.startsWith(`${heading}\n`)) ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

describe('docs/guide/configuration.md', () => {
  it('has every option, and no other', () => {
    const documented = rowsBelow('Options').flatMap(([names]) => names!.replaceAll('`', '').split(', '));
    expect(documented.toSorted()).toEqual(options.toSorted());
  });

  it('has everything that can stand under "security", and nothing else', () => {
    const documented = rowsBelow('Security').flatMap(([names]) => names!.replaceAll('`', '').split(', '));
    expect(documented.toSorted()).toEqual(securityOptions.toSorted());
  });

  it('has the right numbers', () => {
    const { requestTimeoutMs, drainTimeoutMs } = resolveOptions({ enabled: false });
    const defaults = new Map(rowsBelow('Options').map(([name, value]) => [name, value]));
    expect(defaults.get('`requestTimeoutMs`')).toBe(requestTimeoutMs.toLocaleString('en-US'));
    expect(defaults.get('`drainTimeoutMs`')).toBe(drainTimeoutMs.toLocaleString('en-US'));
    expect(rowsBelow('Presets').map((cells) => cells.slice(0, 3))).toEqual(
      Object.entries(swimPresets).map(([preset, { probeIntervalMs, probeTimeoutMs }]) => [
        `\`${preset}\``,
        `${probeIntervalMs.toLocaleString('en-US')} ms`,
        `${probeTimeoutMs.toLocaleString('en-US')} ms`,
      ]),
    );
  });
});
