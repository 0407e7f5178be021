import { formatAddress } from '../address.js';
import { clip } from '../errors.js';
import type { ClusterLogger } from '../logger.js';
import type { Member, MembershipEvent } from '../membership/membership.js';

/** Writes a line for a change of the view: what people watch at `log`, trouble at `warn`, doubt at `debug`. */
export function logEvent(logger: ClusterLogger, event: MembershipEvent, localId: string): void {
  const { member } = event;
  if (member.id === localId) return;
  switch (event.type) {
    case 'joined':
      return logger.log(`${describe(member)} joined, ${membersIn(event)}`);
    case 'left':
      return logger.log(`${describe(member)} left, ${membersIn(event)}`);
    case 'unreachable':
      return logger.warn(`${describe(member)} is unreachable, ${membersIn(event)}`);
    case 'updated':
      return logger.debug(`${describe(member)} ${saysNow(event)}`);
    case 'suspected':
    case 'recovered':
      return logger.debug(`${describe(member)} ${event.type}`);
  }
}

/** Name, address and id of a member, as one safe piece of text. */
export function describe(member: Member): string {
  return `${clip(member.name)} (${formatAddress(member.address)}, ${member.id})`;
}

function saysNow({ member, previous }: MembershipEvent): string {
  const { health, healthReason } = member;
  if (health === previous?.health && healthReason === previous.healthReason) return 'updated';
  return healthReason === undefined ? `is ${health}` : `is ${health}: ${clip(healthReason)}`;
}

function membersIn(event: MembershipEvent): string {
  const count = event.view.length;
  return count === 1 ? '1 member' : `${count} members`;
}
