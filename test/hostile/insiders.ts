import fc from 'fast-check';
import type { ClusterNode } from '../../src/cluster/node.js';
import { startNode } from '../../src/cluster/start-node.js';
import { tcpTransport } from '../../src/cluster/tcp-transport.js';
import { formatAddress } from '../../src/address.js';
import { swimCodec } from '../../src/membership/swim/codec.js';
import type { SwimMessage } from '../../src/membership/swim/messages.js';
import type { NodeId } from '../../src/node-id.js';
import { seeds } from '../../src/discovery/static.js';
import { encodeFrame } from '../../src/transport/session/codec.js';
import type { HelloFrame } from '../../src/transport/session/frame.js';
import type { Transport } from '../../src/transport/transport.js';
import { anyFrame } from '../transport/session/frames.js';
import type { Victim } from './cluster-process.js';
import {
  data,
  edgeFrame,
  head,
  hello,
  patternMeta,
  protocolFrame,
  type Attack,
  type Material,
} from './outsiders.js';
import { ID, idBytes, PORT } from './play.js';
import type { Round } from './round.js';
import {
  address,
  aliveUpdate,
  anyId,
  anyMessage,
  anyUpdate,
  edgeNumber,
  errand,
  freshId,
  gossip,
  hostileValue,
  memberRecord,
  pack,
  plainRecord,
  suspectUpdate,
  syncPart,
  trapKeys,
  u48,
} from './values.js';

/** What a member says on its protocol lane. */
interface Whispers {
  readonly name: string;
  bodies(round: Round): readonly Uint8Array[];
}

const lane = fc.constantFrom<HelloFrame['purpose']>('protocol', 'payload', 'verify');
const live = fc.constantFrom(ID.target, ID.second, ID.third);

/** Everything that a member can say about others, about itself and about nobody. */
const WHISPERS: readonly Whispers[] = [
  {
    name: 'suspicions of everybody',
    bodies: (round) => round.draw(gossip(suspectUpdate()), 60),
  },
  {
    name: 'live members told of anew, with other addresses and incarnations',
    bodies: (round) => round.draw(gossip(aliveUpdate({ id: live }), 6), 30),
  },
  {
    name: 'live members told of at the largest incarnation',
    bodies: (round) =>
      round.draw(
        gossip(aliveUpdate({ id: live, incarnation: fc.constantFrom(2 ** 40 - 1, 2 ** 40, 2 ** 40 + 1) }), 3),
        20,
      ),
  },
  {
    name: 'metadata with keys that are traps',
    bodies: (round) =>
      round.draw(
        fc.tuple(trapKeys, trapKeys, hostileValue).map(([outer, inner, value]) => {
          const trap = Buffer.concat([
            Buffer.from([0x81]),
            pack(outer),
            Buffer.from([0x81]),
            pack(inner),
            value,
          ]);
          const record = Buffer.from(plainRecord(ID.insider, PORT.attacker));
          const empty = record.lastIndexOf(0x80);
          return pack([
            6,
            [[1, Buffer.concat([record.subarray(0, empty), trap, record.subarray(empty + 1)])]],
          ]);
        }),
        40,
      ),
  },
  { name: 'errands to arbitrary addresses', bodies: (round) => round.draw(errand, 60) },
  { name: 'syncs that never end', bodies: (round) => round.draw(syncPart, 80) },
  {
    name: 'joins of others',
    bodies: (round) =>
      round
        .draw(fc.tuple(edgeNumber, memberRecord({ id: anyId })), 40)
        .map(([n, record]) => pack([7, n, Buffer.from(record)])),
  },
  {
    name: 'members that do not exist',
    bodies: (round) =>
      round.draw(
        gossip(aliveUpdate({ id: freshId, state: fc.constant(0), incarnation: fc.constant(0) }), 10),
        12,
      ),
  },
];

/** Among all that a member can say is its own leave: what comes after may be a stranger's. */
const LAST_WHISPERS: readonly Whispers[] = [
  { name: 'any message', bodies: (round) => round.draw(anyMessage, 80) },
  { name: 'any news', bodies: (round) => round.draw(gossip(anyUpdate), 60) },
];

/**
 * What a joined member says, on the protocol lane of its own node and on connections of their own, there in its name or
 * in another member's. Gossip is believed among insiders (decisions 11); the cluster has to stand all the same.
 */
export function insiders({ clusterName }: Material): readonly Attack[] {
  const asInsider = (purpose: HelloFrame['purpose'], epoch: number): HelloFrame =>
    hello(clusterName, ID.insider, purpose, {
      address: { host: '127.0.0.1', port: PORT.attacker },
      ...(purpose === 'payload'
        ? { record: plainRecord(ID.insider, PORT.attacker), offer: { epoch, firstUnacked: 0 } }
        : {}),
    });
  const stream = fc.integer({ min: 0, max: 255 });
  const whispered = ({ name, bodies }: Whispers): Attack => ({
    name,
    atOnce: 1,
    plays: (round) => bodies(round).map((body) => ({ isWhisper: true, pieces: [body] })),
  });
  return [
    ...WHISPERS.map(whispered),
    {
      name: 'payloads of a member: deep, huge and odd values',
      plays: (round) =>
        round
          .draw(
            fc.tuple(
              u48,
              fc.array(fc.tuple(hostileValue, fc.constantFrom(1, 2, 3, 4, 0, 0x81, 0x7f)), {
                minLength: 1,
                maxLength: 10,
              }),
            ),
            30,
          )
          .map(([epoch, values]) => ({
            hello: asInsider('payload', epoch),
            pieces: values.map(([value, kind], seq) => data(seq, value, patternMeta('echo'), kind)),
          })),
    },
    {
      name: 'payloads of a member: odd headers and patterns',
      plays: (round) =>
        round
          .draw(
            fc.tuple(
              u48,
              fc.array(fc.oneof(fc.uint8Array({ maxLength: 300 }), trapKeys.map(patternMeta)), {
                minLength: 1,
                maxLength: 10,
              }),
            ),
            30,
          )
          .map(([epoch, metas]) => ({
            hello: asInsider('payload', epoch),
            pieces: metas.map((meta, seq) => data(seq, pack(seq), meta, 1 + (seq % 4))),
          })),
    },
    {
      name: 'payload lane of a member: more than its credit, and credit, acks and permits from the edges',
      plays: (round) =>
        round
          .draw(
            fc.tuple(
              u48,
              fc.array(fc.oneof(edgeFrame, anyFrame).map(encodeFrame), { minLength: 1, maxLength: 8 }),
              stream,
            ),
            60,
          )
          .map(([epoch, frames], n) => ({
            hello: asInsider('payload', epoch),
            pieces:
              n % 4 === 0
                ? [
                    Buffer.concat(
                      Array.from({ length: 60 }, (_, seq) =>
                        data(seq, new Uint8Array(100_000), patternMeta('echo')),
                      ),
                    ),
                  ]
                : frames,
          })),
    },
    {
      name: 'protocol lane of a member: broken frames',
      plays: (round) =>
        round
          .draw(
            fc.tuple(
              fc.array(fc.oneof(hostileValue.map(protocolFrame), fc.constant(head(0x88, 0xffff_ffff))), {
                minLength: 1,
                maxLength: 4,
              }),
              u48,
            ),
            30,
          )
          .map(([pieces, epoch]) => ({ hello: asInsider('protocol', epoch), pieces })),
    },
    {
      name: 'handshakes in a live member’s name',
      plays: (round) =>
        round
          .draw(fc.tuple(fc.constantFrom(ID.second, ID.third), lane, address, fc.boolean()), 10)
          .map(([id, purpose, where, isSilent]) => ({
            hello: hello(clusterName, id, purpose, { address: where }),
            pieces: isSilent ? [] : [protocolFrame(pack([200]))],
          })),
    },
    ...LAST_WHISPERS.map(whispered),
  ];
}

/** Says of each of the three, to the two others, that it is unreachable, and that it has left. */
export function forgeVerdicts(
  insider: Insider,
  victims: readonly Victim[],
  verdict: 'unreachable' | 'left',
): void {
  const by = idBytes(insider.node.local.id);
  for (const [n, { id }] of victims.entries()) {
    const suspicion = [2, idBytes(id), 5, by, 0];
    const news = verdict === 'left' ? [[4, idBytes(id), 0]] : [suspicion, [3, idBytes(id), 5, by, 0, []]];
    for (const away of [1, 2]) insider.whisper(victims[(n + away) % 3]!, pack([6, news]));
  }
}

/**
 * Whether a message passes a verdict on one of these. A member's word is believed, so it can bury a live one for a
 * while: what comes of that is a test of its own, and must not happen by chance beside other attacks.
 */
export function forgesVerdict(body: Uint8Array, ids: readonly NodeId[]): boolean {
  let message: SwimMessage;
  try {
    message = swimCodec.decode(body);
  } catch {
    return false;
  }
  if (message.type === 'page')
    return message.members.some(({ id, state }) => state === 'left' && ids.includes(id));
  if (!('updates' in message)) return false;
  return message.updates.some(
    (update) => (update.type === 'left' || update.type === 'unreachable') && ids.includes(update.id),
  );
}

/** A real node that has joined the cluster, with nothing but bad intentions. */
export class Insider {
  private constructor(
    readonly node: ClusterNode,
    private readonly transport: Transport,
  ) {}

  static async join(clusterName: string, victims: readonly Victim[]): Promise<Insider> {
    let transport: Transport | undefined;
    const node = await startNode({
      clusterName,
      nodeName: 'mallory',
      port: 0,
      discovery: seeds(...victims.map((victim) => formatAddress(victim.address))),
      transport: (context) => (transport = tcpTransport(context)),
    });
    await node.whenReady({ members: victims.length + 1, timeoutMs: 10_000 });
    return new Insider(node, transport!);
  }

  /** Says a message of the protocol, whatever it is, to one of the three. */
  whisper({ address, id }: Victim, body: Uint8Array): void {
    this.transport.cast({ address, id }, body);
  }

  async close(): Promise<void> {
    await this.node.close();
  }
}
