import { createNodeId, NODE_ID_BYTES, writeNodeId, type NodeId } from '../../src/node-id.js';
import type { HelloFrame } from '../../src/transport/session/frame.js';

/**
 * What one hostile connection does. Data and nothing else, so that a seed says all of it. Ids and ports of the run are
 * not known when it is made: the stand-ins below are put where they belong, and replaced in the bytes when it is sent.
 */
export interface Play {
  /** Which attack it is one of. */
  readonly attack: string;
  /** Shakes hands properly before anything else; undefined: the pieces are the first that is said. */
  readonly hello?: HelloFrame | undefined;
  readonly pieces: readonly Uint8Array[];
  /** Each piece is a message of the protocol, which the joined insider says on its own protocol lane. */
  readonly isWhisper?: boolean | undefined;
  /** Between two pieces. Default: none, they are written at once. */
  readonly paceMs?: number | undefined;
  /** `end`, `reset`: so the attacker ends · `wait`: the node has to close. Default: `end`. */
  readonly ends?: 'end' | 'reset' | 'wait' | undefined;
  /** The address that it comes from. Default: the system's choice. */
  readonly from?: string | undefined;
}

/** Stand-ins for ids: of the node that is dialled, of the other two, and of a joined insider. */
export const ID = {
  target: createNodeId(0xa1_a2_a3_a4_a5_a6, new Uint8Array(10).fill(0xa7)),
  second: createNodeId(0xb1_b2_b3_b4_b5_b6, new Uint8Array(10).fill(0xb7)),
  third: createNodeId(0xc1_c2_c3_c4_c5_c6, new Uint8Array(10).fill(0xc7)),
  insider: createNodeId(0xd1_d2_d3_d4_d5_d6, new Uint8Array(10).fill(0xd7)),
} as const;

/** Stand-ins for ports of 127.0.0.1, and of the attacker's own listener. */
export const PORT = { target: 0xf0f1, second: 0xf0f2, third: 0xf0f3, attacker: 0xf0f4 } as const;

export const HOST = '127.0.0.1';

/** What the stand-ins mean for one connection. */
export interface Meaning {
  readonly ids: Readonly<Record<keyof typeof ID, NodeId>>;
  readonly ports: Readonly<Record<keyof typeof PORT, number>>;
}

const ID_BYTES = Object.entries(ID).map(([name, id]) => ({
  name: name as keyof typeof ID,
  bytes: idBytes(id),
}));
/** As handshakes and as MessagePack write an address: the host, then (after a type byte) the port. */
const PORT_BYTES = Object.entries(PORT).flatMap(([name, port]) =>
  [[], [0xcd]].map((type) => ({
    name: name as keyof typeof PORT,
    bytes: Buffer.concat([Buffer.from(HOST), Buffer.from([...type, port >> 8, port & 0xff])]),
  })),
);

/** The bytes, with the stand-ins replaced. */
export function filledIn(bytes: Uint8Array, { ids, ports }: Meaning): Uint8Array {
  const filled = Buffer.from(bytes);
  for (const { name, bytes: standIn } of ID_BYTES)
    everywhere(filled, standIn, (at) => void writeNodeId(ids[name], filled, at));
  for (const { name, bytes: standIn } of PORT_BYTES)
    everywhere(filled, standIn, (at) => void filled.writeUInt16BE(ports[name], at + standIn.length - 2));
  return filled;
}

export function idBytes(id: NodeId): Buffer {
  const bytes = Buffer.alloc(NODE_ID_BYTES);
  writeNodeId(id, bytes, 0);
  return bytes;
}

function everywhere(bytes: Buffer, wanted: Buffer, replace: (at: number) => void): void {
  for (let at = bytes.indexOf(wanted); at >= 0; at = bytes.indexOf(wanted, at + wanted.length)) replace(at);
}
