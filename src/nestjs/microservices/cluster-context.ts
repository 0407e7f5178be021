import { BaseRpcContext } from '@nestjs/microservices';
import type { ClusterMessage } from '../../cluster/messaging/cluster-message.js';
import type { Member } from '../../membership/membership.js';
import type { MembershipService } from '../membership.service.js';

/**
 * What `@Ctx()` gives in a `@MessagePattern` or `@EventPattern` handler of a `ClusterServer`.
 *
 * @publicApi
 */
export class ClusterContext extends BaseRpcContext<[message: ClusterMessage, membership: MembershipService]> {
  #replyHeaders: Readonly<Record<string, string>> | undefined;

  /** Makes a context; for servers and tests. */
  constructor(args: [message: ClusterMessage, membership: MembershipService]) {
    super(args);
  }

  /** The message itself; its `data` is what travelled, before a deserializer. */
  getMessage(): ClusterMessage {
    return this.args[0];
  }

  /** The cluster that it came from. */
  getMembership(): MembershipService {
    return this.args[1];
  }

  /** Who sent it. */
  getSender(): Member {
    return this.args[0].sender;
  }

  /** The pattern as it travelled: Nest's route text, JSON with sorted keys for an object. */
  getPattern(): string {
    return this.args[0].pattern ?? '';
  }

  /** What the sender's record, and its dispatch hook, gave along. */
  getHeaders(): Readonly<Record<string, string>> {
    return this.args[0].headers;
  }

  /** The same as `getHeaders()`, by the name that Nest's own contexts have for it. */
  getMetadata(): Readonly<Record<string, string>> {
    return this.args[0].headers;
  }

  /** Headers that travel with the answer; they replace those that were set before. */
  setReplyHeaders(headers: Readonly<Record<string, string>>): void {
    // Refused here rather than when the answer goes.
    this.args[0].setReplyHeaders(headers);
    this.#replyHeaders = headers;
  }

  /** What was set. @internal */
  get replyHeaders(): Readonly<Record<string, string>> | undefined {
    return this.#replyHeaders;
  }
}
