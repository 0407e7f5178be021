import { Member, type MemberFields } from '../../src/membership/membership.js';
import { createNodeId, type NodeId } from '../../src/node-id.js';

/** A NodeId that is the same for the same name. */
export function idOf(name: string): NodeId {
  const bytes = new Uint8Array(10);
  for (let i = 0; i < name.length; i++) bytes[i % 10]! += name.charCodeAt(i) * (i + 1);
  return createNodeId(0, bytes);
}

/** An alive member with an id that follows from its name. */
export function memberOf(name: string, changes: Partial<MemberFields> = {}): Member {
  return Member.of({
    id: idOf(name),
    name,
    address: { host: '127.0.0.1', port: 7000 },
    state: 'alive',
    incarnation: 0,
    metadata: {},
    health: 'ok',
    startedAtMs: 0,
    minVersion: 1,
    maxVersion: 1,
    ...changes,
  });
}
