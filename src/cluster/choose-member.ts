import { hash } from 'node:crypto';
import { InvalidOptionError } from '../errors.js';
import type { Member } from '../membership/membership.js';
import { show } from './option-errors.js';

/**
 * The member that came into being first: the one with the lowest NodeId, which begins with the time. Everybody who has
 * the same view gets the same one, and it stays until it is gone. The id is what counts, since a member keeps it as long
 * as it lives, and cannot tell some this and others that; like `startedAtMs` it is read from the member's own clock.
 *
 * **Views differ**, for a moment after every change, and for as long as a partition lasts: then each side has an
 * oldest member of its own, and both act. So use it for work that may be done twice, and not as a lock.
 *
 * @param view among whom, mostly `membership.activeMembers`. Members that drain count as any other; leave them out
 *   with `membership.members({ where: (member) => member.health !== 'draining' })`
 * @returns undefined for an empty view
 * @publicApi
 */
export function oldest(view: readonly Member[]): Member | undefined {
  let first: Member | undefined;
  for (const member of view) if (first === undefined || member.id < first.id) first = member;
  return first;
}

/**
 * The member that a key belongs to, by rendezvous hashing (Thaler and Ravishankar, 1996): the keys are spread evenly,
 * and when a member comes or goes, only those that it gets or had move, one in n. Everybody who has the same view gets
 * the same member, whatever the order of the view, in every version of this library and of Node.js.
 *
 * **Views differ**, for a moment after every change, and for as long as a partition lasts: then each side has an
 * owner of its own for every key, and both act. So use it for work that may be done twice (caches, sharded
 * connections, jobs that are idempotent), and not as a lock.
 *
 * Takes one SHA-256 per member: a microsecond or so for each.
 *
 * @param key any string
 * @param view among whom, mostly `membership.activeMembers`. Members that drain count as any other, so that their keys
 *   move once, when they have left; to move the keys earlier leave them out with
 *   `membership.members({ where: (member) => member.health !== 'draining' })`
 * @returns undefined for an empty view
 * @throws InvalidOptionError when the key is no string
 * @publicApi
 */
export function ownerOf(key: string, view: readonly Member[]): Member | undefined {
  if (typeof key !== 'string') throw new InvalidOptionError('key', `is ${show(key)}, but must be a string`);
  let owner: Member | undefined;
  let highest = '';
  for (const member of view) {
    // Ids are all of one length, so that no two pairs make one text; hexadecimal digits compare as the number does.
    const weight = hash('sha256', member.id + key);
    if (weight <= highest) continue;
    owner = member;
    highest = weight;
  }
  return owner;
}
