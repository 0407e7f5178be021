import type { ParamsFactory } from '@nestjs/core';
import type { ClusterMessage } from '../../cluster/messaging/cluster-message.js';
import type { MembershipEvent } from '../../membership/membership.js';
import { clusterCtxOf, senderOf } from '../decorators/cluster-ctx.decorator.js';
import { Argument } from './handler-metadata.js';
import type { MembershipService } from '../membership.service.js';

/** What a handler is called with: (data, message) or (member, event). */
export type CallArguments = readonly unknown[];

/** What a call is about: its message or its event, always the last argument. */
export function subjectOf(args: CallArguments): ClusterMessage | MembershipEvent {
  return args.at(-1) as ClusterMessage | MembershipEvent;
}

/** Tells Nest what each decorated parameter gets. */
export class HandlerArguments implements ParamsFactory {
  constructor(
    private readonly cluster: string | undefined,
    private readonly membership: MembershipService,
  ) {}

  exchangeKeyForValue(type: number, data: unknown, args: CallArguments): unknown {
    switch (type) {
      case Argument.payload:
        return typeof data === 'string'
          ? (args[0] as Record<string, unknown> | null | undefined)?.[data]
          : args[0];
      case Argument.message:
      case Argument.rpcContext:
        return subjectOf(args);
      case Argument.sender:
        return senderOf(subjectOf(args));
      case Argument.context:
        return clusterCtxOf(this.cluster, this.membership, subjectOf(args));
      default:
        return undefined;
    }
  }
}
