import { formatAddress, type Member, type MemberExplanation, type MembershipEvent } from 'clusterpack';

/** A member as the HTTP interface shows it. */
export interface MemberJson {
  readonly id: string;
  readonly name: string;
  /** host:port as advertised. */
  readonly address: string;
  readonly state: string;
  readonly incarnation: number;
  readonly metadata: object;
}

/** An event as `GET /events` shows it. */
export interface EventJson {
  readonly type: string;
  readonly member: MemberJson;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** What a node thinks of a member, as `GET /members/:id/explain` shows it. */
export interface ExplanationJson extends Omit<MemberExplanation, 'member'> {
  readonly member: MemberJson | undefined;
}

export function memberJson(member: Member): MemberJson {
  const { id, name, state, incarnation, metadata } = member;
  return { id, name, address: formatAddress(member.address), state, incarnation, metadata };
}

export function eventJson(event: MembershipEvent): EventJson {
  return { type: event.type, member: memberJson(event.member), at: event.atMs };
}

export function explanationJson({ member, ...rest }: MemberExplanation): ExplanationJson {
  return { member: member === undefined ? undefined : memberJson(member), ...rest };
}
