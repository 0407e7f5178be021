import { Inject } from '@nestjs/common';
import { getMembershipToken } from '../tokens.js';

/**
 * Injects the {@link MembershipService} of a named registration; without a name, the unnamed one's.
 *
 * ```ts
 * constructor(@InjectMembership('orders') private readonly orders: MembershipService) {}
 * ```
 *
 * @param as the `as` of `forRoot` or `forRootAsync`
 * @publicApi
 */
export function InjectMembership(as?: string): ParameterDecorator & PropertyDecorator {
  return Inject(getMembershipToken(as));
}
