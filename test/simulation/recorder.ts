import type { Address } from '../../src/address.js';
import { Member } from '../../src/membership/membership.js';
import type {
  KnownPeer,
  LinkEvidence,
  LocalMember,
  MembershipProtocol,
  Peer,
  ProtocolTimer,
  World,
} from '../../src/membership/protocol.js';
import type { NodeId } from '../../src/node-id.js';
import { View } from '../../src/membership/view.js';

/** A protocol that does nothing but write down its inputs, to look at the network that gives them. */
export class Recorder implements MembershipProtocol<string> {
  readonly local: Member;
  readonly view: View;
  readonly counters = {};
  readonly localHealth = 0;
  readonly inputs: string[] = [];

  constructor(
    local: LocalMember,
    readonly world: World<string>,
  ) {
    this.local = Member.of({ ...local, state: 'alive', incarnation: 0 });
    this.view = View.empty.put(this.local);
  }

  member(id: NodeId): Member | undefined {
    return id === this.local.id ? this.local : undefined;
  }
  allMembers(): Iterable<Member> {
    return [this.local];
  }
  start(): void {}
  stop(): void {}
  join(_addresses: readonly Address[]): void {}
  leave(): void {
    this.world.notice({ type: 'leave-completed', acknowledgedBy: 0 });
  }
  setMetadata(): void {}
  setHealth(): void {}
  receive(_from: KnownPeer, message: string): void {
    this.inputs.push(message);
  }
  timer(timer: ProtocolTimer, lateMs: number): void {
    this.inputs.push(`${timer.kind} late ${Math.round(lateMs)}`);
  }
  link(_about: Peer, evidence: LinkEvidence, by?: NodeId): void {
    this.inputs.push(by === undefined ? evidence : `${evidence} by another`);
  }
  unsent(token: number): void {
    this.inputs.push(`unsent ${token}`);
  }
  stalled(ms: number): void {
    this.inputs.push(`stalled ${Math.round(ms)}`);
  }
  introduce(): 'grant' {
    return 'grant';
  }
}
