import { writeSync } from 'node:fs';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Attacker } from './attacker.js';
import { Campaign, fingerprint } from './campaign.js';
import { ClusterProcess } from './cluster-process.js';
import { AGAINST_INSIDERS, AGAINST_OUTSIDERS, problems, summary, type Rules } from './judge.js';
import { forgeVerdicts, Insider, insiders } from './insiders.js';
import { outsiders, type Material } from './outsiders.js';
import { recordSessions } from './recording.js';
import { againstTls, dialWith, recordHandshakes, schemeOf } from './tls.js';
import { loadCertificates } from '../../src/transport/tcp/tls/certificates.js';
import { MutualTls } from '../../src/transport/tcp/tls/mutual-tls.js';
import { TestAuthority } from '../support/certificates.js';
import { generateSecret } from '../../src/transport/tcp/tls/secrets.js';

/** `npm run hostile` sets these; without them the campaign is as long as a test may be. */
const SEED = Number(process.env['FC_SEED'] ?? fc.readConfigureGlobal()?.seed ?? 1) | 0;
const OUTSIDERS_MS = Number(process.env['HOSTILE_OUTSIDERS_MS'] ?? 6000);
const SECURED_MS = Number(process.env['HOSTILE_SECURED_MS'] ?? 2000);
const INSIDERS_MS = Number(process.env['HOSTILE_INSIDERS_MS'] ?? 4000);
/** Of the catalogue, what is played within a test; a long campaign plays all of it over TLS. */
const IN_PLAINTEXT = [
  'random bytes',
  'lengths of nothing and of everything',
  'bit flips in a recorded session',
  'slow handshakes',
  'connections that say nothing',
  'connections that end at once',
];
const WITH_SECRET = [
  'a frame cut off, after the handshake',
  'a recorded session, replayed, re-ordered or mixed',
  'frames with numbers from the edges, after the handshake',
  'messages of the protocol by a stranger',
  'slow bodies',
  'connections that end at once',
];
/** Beside other tests, on a machine that is not alone, memory and delays are worth less; what is grossly wrong shows. */
const IS_LONG = process.env['HOSTILE_OUTSIDERS_MS'] !== undefined;
const WARM_MS = IS_LONG ? 5000 : 1000;
const LENIENT = IS_LONG ? {} : { rssFactor: 1.5, p99Ms: 200 };
const OUTSIDERS: Rules = { ...AGAINST_OUTSIDERS, ...LENIENT };
const INSIDERS: Rules = { ...AGAINST_INSIDERS, ...LENIENT };
/** How long three nodes may take to meet again under new ids. */
const TOGETHER_MS = 20_000;
/** Until what was forged has been heard. */
const FORGED_MS = 500;
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
      const course = await new Campaign(cluster, attacker, SEED, material).run(outsiders(material), {
        ms: OUTSIDERS_MS,
        warmMs: WARM_MS,
      });
      say(summary('Outsiders', course, attacker));
      expect(problems(course, attacker, OUTSIDERS)).toEqual([]);
    },
    OUTSIDERS_MS + MARGIN_MS,
  );

  it(
    'from outsiders without its secret: lets none of them in, and is not disturbed',
    async () => {
      const secret = generateSecret();
      cluster = await ClusterProcess.start(material.clusterName, { security: { secrets: [secret] } });
      attacker = await Attacker.start(cluster.members);
      const attacks = [
        ...againstTls(await recordHandshakes(await schemeOf(secret))),
        // A plaintext peer hears that, and no more; a part of the catalogue stands for the rest.
        ...outsiders(material).filter(({ name }) => IN_PLAINTEXT.includes(name)),
      ];
      const course = await new Campaign(cluster, attacker, SEED, material).run(attacks, {
        ms: SECURED_MS,
        warmMs: WARM_MS,
      });
      say(summary('Without the secret', course, attacker));
      expect(attacker.handshakes).toBe(0);
      expect(problems(course, attacker, OUTSIDERS)).toEqual([]);
    },
    SECURED_MS + MARGIN_MS,
  );

  it(
    'from outsiders without a certificate of its authority: lets none of them in, and is not disturbed',
    async () => {
      const authority = await TestAuthority.make();
      const tls = { ca: authority.cert, ...(await authority.issue({ names: ['a', 'b', 'c'] })) };
      cluster = await ClusterProcess.start(material.clusterName, { security: { tls } });
      attacker = await Attacker.start(cluster.members);
      const attacks = againstTls(await recordHandshakes(new MutualTls(tls, await loadCertificates(tls))));
      const course = await new Campaign(cluster, attacker, SEED, material).run(attacks, {
        ms: SECURED_MS,
        warmMs: WARM_MS,
      });
      say(summary('Without a certificate', course, attacker));
      expect(attacker.handshakes).toBe(0);
      expect(problems(course, attacker, OUTSIDERS)).toEqual([]);
    },
    SECURED_MS + MARGIN_MS,
  );

  it(
    'from outsiders with its secret, who are no members: is not disturbed either',
    async () => {
      const secret = generateSecret();
      cluster = await ClusterProcess.start(material.clusterName, { security: { secrets: [secret] } });
      attacker = await Attacker.start(cluster.members, await dialWith(secret));
      const attacks = outsiders(material).filter(
        ({ name }) => WITH_SECRET.includes(name) || SECURED_MS > 10_000,
      );
      const course = await new Campaign(cluster, attacker, SEED, material).run(attacks, {
        ms: SECURED_MS,
        warmMs: WARM_MS,
      });
      say(summary('With the secret', course, attacker));
      expect(attacker.handshakes).toBeGreaterThan(0);
      expect(problems(course, attacker, OUTSIDERS)).toEqual([]);
    },
    SECURED_MS + MARGIN_MS,
  );

  it(
    'from a member that has joined: the three keep each other, and each message comes once',
    async () => {
      const { clusterName } = material;
      const victims = (cluster = await ClusterProcess.start(clusterName));
      const hostile = (attacker = await Attacker.start(victims.members));
      const campaign = new Campaign(victims, hostile, SEED, material);
      const course = await campaign.run(
        insiders(material),
        { ms: INSIDERS_MS, warmMs: WARM_MS },
        async (round) => {
          const insider = await Insider.join(clusterName, victims.members);
          hostile.insider = insider;
          await round();
          hostile.insider = undefined;
          await insider.close();
        },
      );
      say(summary('Insiders', course, hostile));
      expect(problems(course, hostile, INSIDERS)).toEqual([]);
    },
    INSIDERS_MS + MARGIN_MS,
  );
});

describe('a member that passes a verdict on live ones', () => {
  it.each(['unreachable', 'left'] as const)(
    '(%s): the three are together again soon, under new ids if need be, and each message comes once',
    async (verdict) => {
      const { clusterName } = material;
      const victims = (cluster = await ClusterProcess.start(clusterName));
      const insider = await Insider.join(clusterName, victims.members);
      forgeVerdicts(insider, victims.members, verdict);
      await pause(FORGED_MS);
      await insider.close();
      await until(async () => (await victims.report()).nodes.every(({ seesAll }) => seesAll));
      const { messages, strays, ended } = await victims.finish();
      const { doubled, unordered, owed, underway } = messages;
      expect({ doubled, unordered, owed, underway, strays, ended }).toEqual({
        ...{ doubled: 0, unordered: 0, owed: 0, underway: 0, strays: [], ended: true },
      });
    },
  );
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + TOGETHER_MS;
  while (!(await condition())) {
    if (performance.now() > endMs)
      throw new Error(`Not within ${TOGETHER_MS} ms: the three are together again`);
    await pause(100);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Past Jest, which would put a stack beside it. */
function say(text: string): void {
  writeSync(2, `${text}\n`);
}
