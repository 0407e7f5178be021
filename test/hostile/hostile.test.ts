import { writeSync } from 'node:fs';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Attacker } from './attacker.js';
import { Campaign, fingerprint } from './campaign.js';
import { ClusterProcess } from './cluster-process.js';
import { AGAINST_OUTSIDERS, problems, summary } from './judge.js';
import { outsiders, type Material } from './outsiders.js';
import { recordSessions } from './recording.js';

/** `npm run hostile` sets these; without them the campaign is as long as a test may be. */
const SEED = Number(process.env['FC_SEED'] ?? fc.readConfigureGlobal()?.seed ?? 1) | 0;
const OUTSIDERS_MS = Number(process.env['HOSTILE_OUTSIDERS_MS'] ?? 14_000);
/** Beyond the attacks' own time: a first round, starting, closing. */
const MARGIN_MS = 90_000;

let material: Material;
let cluster: ClusterProcess | undefined;
let attacker: Attacker | undefined;

beforeAll(async () => {
  const clusterName = 'hostile-campaign';
  material = { clusterName, recordings: await recordSessions(clusterName) };
});

afterEach(async () => {
  cluster?.kill();
  await attacker?.close();
});

describe('what the campaign sends', () => {
  it('follows from its seed', async () => {
    const again = { ...material, recordings: await recordSessions(material.clusterName) };
    const first = fingerprint(outsiders(material), 7);
    expect(fingerprint(outsiders(again), 7)).toBe(first);
    expect(fingerprint(outsiders(again), 8)).not.toBe(first);
  });

  it('holds recorded sessions of both lanes, in both directions', () => {
    const lanes = new Set(material.recordings.map(({ lane }) => lane));
    expect([...lanes]).toEqual(expect.arrayContaining(['protocol', 'payload']));
    expect(
      material.recordings.some(({ toAcceptor, toDialler }) => toAcceptor.length > 5 && toDialler.length > 5),
    ).toBe(true);
  });
});

describe('a cluster of three beside hostile input', () => {
  it(
    'from outsiders: stays whole, as small and as quick as it was',
    async () => {
      cluster = await ClusterProcess.start(material.clusterName);
      attacker = await Attacker.start(cluster.members);
      const course = await new Campaign(cluster, attacker, SEED, material).run(
        outsiders(material),
        OUTSIDERS_MS,
      );
      say(summary('Outsiders', course, attacker));
      expect(problems(course, attacker, AGAINST_OUTSIDERS)).toEqual([]);
    },
    OUTSIDERS_MS + MARGIN_MS,
  );
});

/** Past Jest, which would put a stack beside it. */
function say(text: string): void {
  writeSync(2, `${text}\n`);
}
